internal import Glibc
public import SoftadastraCore
public import SoftadastraFS
internal import SoftadastraSync

/// Reads a file into a manifest, or inline content, noticing when it changes meanwhile. Blocks: for worker threads.
public struct ContentReader: Sendable {
  public let volume: any Volume
  public let hasher: ContentHasher

  public init(volume: any Volume, hasher: ContentHasher) {
    self.volume = volume
    self.hasher = hasher
  }

  /// The manifest of what `path` holds, with the status that goes with it.
  ///
  /// Fails with `.changed` if the file was written to or replaced while it was read.
  ///
  /// - Parameter previous: what it held before, or what it is expected to hold: what is still the same is hashed only.
  public func manifest(
    of path: BytePath, previous: Manifest?
  ) throws(SoftadastraError) -> (FileStatus, Manifest) {
    let read = try contents(of: path, in: try volume.openForReading(path), previous)
    return (read.status, read.manifest)
  }

  /// The same, and the bytes themselves if they would travel inside their change.
  ///
  /// - Parameter status: of a look before, which found a regular file. Where that turns out not to be true any more, a
  ///   small file is read once more.
  func contents(
    of path: BytePath, previous: Manifest?, lookedAt status: FileStatus
  ) throws(SoftadastraError) -> (status: FileStatus, manifest: Manifest, inline: [UInt8]?) {
    if status.size <= UInt64(Change.maxInlineBytes) {
      do throws(SoftadastraError) {
        return try contents(of: path, in: try volume.openForReading(path, lookedAt: status), previous)
      } catch {
        if error.code == .notFound { throw error }
      }
    }
    return try contents(of: path, in: try volume.openForReading(path), previous)
  }

  private func contents(
    of path: BytePath, in file: any ReadableFile, _ previous: Manifest?
  ) throws(SoftadastraError) -> (status: FileStatus, manifest: Manifest, inline: [UInt8]?) {
    let before = file.statusWhenOpened
    let sizeClass =
      previous.flatMap { ChunkSizeClass(rawValue: $0.sizeClass)?.next(forFileSize: before.size) }
      ?? ChunkSizeClass(forFileSize: before.size)
    let manifest: Manifest
    var inline: [UInt8]?
    if before.size <= UInt64(Change.maxInlineBytes) {
      let bytes = try whole(file, count: Int(before.size), path)
      manifest = chunks(of: bytes, sizeClass)
      inline = bytes
    } else {
      manifest = try ManifestReading(file, size: before.size, sizeClass, previous: previous, hasher, path).manifest()
    }
    let after = try file.status()
    guard after == before else { throw .changedWhileRead(path) }
    return (after, manifest, inline)
  }

  private func whole(_ file: any ReadableFile, count: Int, _ path: BytePath) throws(SoftadastraError) -> [UInt8] {
    var failure: SoftadastraError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SoftadastraError) {
        filled =
          count == 0
          ? 0
          : try file.read(
            at: 0, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    guard bytes.count == count else { throw .changedWhileRead(path) }
    return bytes
  }

  private func chunks(of bytes: [UInt8], _ sizeClass: ChunkSizeClass) -> Manifest {
    let chunker = Chunker(sizeClass)
    var result: [Manifest.Chunk] = []
    bytes.withUnsafeBytes { buffer in
      var start = 0
      while start < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
        let length = chunker.cut(rest, isAtEnd: true) ?? rest.count
        result.append(
          Manifest.Chunk(hash: hasher.hash(UnsafeRawBufferPointer(rebasing: rest[..<length])), length: UInt32(length)))
        start += length
      }
    }
    return Manifest(sizeClass: sizeClass.rawValue, chunks: result)
  }

  /// The bytes of a small file, if they still are what the manifest says; nil otherwise.
  public func inlineContent(of path: BytePath, _ manifest: Manifest, size: UInt64) -> [UInt8]? {
    guard let file = try? volume.openForReading(path) else { return nil }
    let count = Int(size)
    var isComplete = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
      // One byte more than expected, so that a file that has grown is noticed.
      let read = (try? file.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
      isComplete = read == count
      filled = min(read, count)
    }
    return isComplete && verify(SharedBytes(bytes), manifest) ? bytes : nil
  }

  /// Whether these bytes are exactly the manifest's chunks.
  public func verify(_ bytes: SharedBytes, _ manifest: Manifest) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      for chunk in manifest.chunks {
        let end = offset + Int(chunk.length)
        guard end <= buffer.count, hasher.hash(UnsafeRawBufferPointer(rebasing: buffer[offset..<end])) == chunk.hash
        else { return false }
        offset = end
      }
      return offset == buffer.count
    }
  }
}
