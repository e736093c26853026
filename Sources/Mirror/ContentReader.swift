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

  private static let bufferBytes = 4 << 20

  /// The manifest of what `path` holds, with the status that goes with it.
  ///
  /// Fails with `.changed` if the file was written to or replaced while it was read.
  public func manifest(
    of path: BytePath, previousClass: UInt8?
  ) throws(SoftadastraError) -> (FileStatus, Manifest) {
    let read = try contents(of: path, previousClass: previousClass)
    return (read.status, read.manifest)
  }

  /// The same, and the bytes themselves if they would travel inside their change.
  func contents(
    of path: BytePath, previousClass: UInt8?
  ) throws(SoftadastraError) -> (status: FileStatus, manifest: Manifest, inline: [UInt8]?) {
    let file = try volume.openForReading(path)
    let before = try file.status()
    guard before.kind == .file else { throw changed(path) }
    let sizeClass =
      previousClass.flatMap { ChunkSizeClass(rawValue: $0)?.next(forFileSize: before.size) }
      ?? ChunkSizeClass(forFileSize: before.size)
    let manifest: Manifest
    var inline: [UInt8]?
    if before.size <= UInt64(Change.maxInlineBytes) {
      let bytes = try whole(file, count: Int(before.size), path)
      manifest = chunks(of: bytes, sizeClass)
      inline = bytes
    } else {
      manifest = try chunks(of: file, size: before.size, sizeClass, path)
    }
    let after = try file.status()
    guard after == before else { throw changed(path) }
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
    guard bytes.count == count else { throw changed(path) }
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
    return isComplete && verify(bytes, manifest) ? bytes : nil
  }

  /// Whether these bytes are exactly the manifest's chunks.
  public func verify(_ bytes: [UInt8], _ manifest: Manifest) -> Bool {
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

  private func chunks(
    of file: any ReadableFile, size: UInt64, _ sizeClass: ChunkSizeClass, _ path: BytePath
  ) throws(SoftadastraError) -> Manifest {
    let chunker = Chunker(sizeClass)
    let capacity = max(1, Int(min(size, UInt64(max(Self.bufferBytes, 2 * sizeClass.maximum)))))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    defer { buffer.deallocate() }

    var result: [Manifest.Chunk] = []
    var offset: UInt64 = 0
    var held = 0
    while offset < size {
      let wanted = Int(min(UInt64(capacity - held), size - offset))
      let read = try file.read(
        at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[held..<held + wanted]))
      guard read > 0 else { throw changed(path) }
      offset += UInt64(read)
      held += read
      var start = 0
      while start < held {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[start..<held])
        // Nil: the cut lies beyond what is held; more bytes decide.
        guard let length = chunker.cut(rest, isAtEnd: offset == size) else { break }
        result.append(
          Manifest.Chunk(hash: hasher.hash(UnsafeRawBufferPointer(rebasing: rest[..<length])), length: UInt32(length)))
        start += length
      }
      if start > 0, start < held {
        memmove(buffer.baseAddress!, buffer.baseAddress! + start, held - start)
      }
      held -= start
    }
    return Manifest(sizeClass: sizeClass.rawValue, chunks: result)
  }

  private func changed(_ path: BytePath) -> SoftadastraError {
    SoftadastraError(.changed, "read", at: path.description, why: "the file changed while it was read")
  }
}
