internal import SoftadastraCore
internal import SoftadastraFS
internal import Synchronization

/// Fills a staged file with what of it is on this machine already. Blocks: for worker threads.
struct FetchSeeding: Sendable {
  /// From here on two threads copy, and the disk begins to write what they have copied.
  private static let largeBytes: UInt64 = 16 << 20
  private static let threads = 2
  /// Copied at a time by one of them.
  private static let blockBytes = 8 << 20
  private static let chunksCheckedAtATime = 64

  let volume: any Volume
  let reader: ContentReader
  let manifest: Manifest
  let path: BytePath
  let localManifest: Manifest?
  let spares: SpareVersions
  /// Of an earlier try, which nobody could be asked for the rest of.
  var paused: FetchPlan?

  struct Seeded: Sendable {
    let file: any StagedFile
    /// Chunks that are complete, and verified.
    var present: Set<Int> = []
    /// Of chunks that are not: how many bytes of their beginning are probably there.
    var prefixes: [Int: Int] = [:]
    /// What an earlier try knew.
    var plan: FetchPlan?
    /// It was made new, and holds nothing but what is present.
    var isBlank = true
  }

  func run(stagedName: String) -> Result<Seeded, SoftadastraError> {
    if let paused, let file = try? volume.openStaged(stagedName) {
      return .success(Seeded(file: file, plan: paused, isBlank: false))
    }
    do throws(SoftadastraError) {
      let isResumed = try volume.stagedNames().contains(stagedName) || reuseSpare(as: stagedName)
      var seeded = Seeded(file: try volume.stage(named: stagedName))
      if isResumed {
        seeded.isBlank = false
        seeded.present = alreadyStaged(seeded.file)
      }
      if let localManifest, let local = try? volume.openForReading(path) {
        try copyLocal(local, localManifest, into: &seeded)
        try copyTail(local, localManifest, into: &seeded)
      }
      return .success(seeded)
    } catch {
      return .failure(error)
    }
  }

  /// Where most chunks stay in their place, an older version that nobody will miss has them there.
  private func reuseSpare(as stagedName: String) -> Bool {
    guard let localManifest, manifest.byteCount >= SpareVersions.minBytes else { return false }
    let inPlace = Set(zip(localManifest.chunks, localManifest.offsets()).map(PlacedChunk.init))
    let kept = zip(manifest.chunks, manifest.offsets()).map(PlacedChunk.init).count(where: inPlace.contains)
    guard kept * 2 > manifest.chunks.count, let spare = spares.take(path) else { return false }
    switch spare {
    case .archived(let file): return (try? volume.reuse(file, as: stagedName)) ?? false
    case .staged(let name): return (try? volume.renameStaged(name, to: stagedName)) != nil
    }
  }

  private struct PlacedChunk: Hashable {
    let chunk: Manifest.Chunk
    let offset: UInt64
  }

  /// What a resumed transfer, or a reused version, has at the right place.
  private func alreadyStaged(_ staged: any StagedFile) -> Set<Int> {
    let offsets = manifest.offsets()
    let next = Atomic(0)
    let present = Mutex<Set<Int>>([])
    let count = manifest.chunks.count
    concurrently(threads: manifest.byteCount >= Self.largeBytes ? Self.threads : 1) {
      var buffer: [UInt8] = []
      while case let first = next.wrappingAdd(Self.chunksCheckedAtATime, ordering: .relaxed).oldValue, first < count {
        let found = (first..<min(first + Self.chunksCheckedAtATime, count)).filter {
          holds(staged, manifest.chunks[$0], at: offsets[$0], &buffer)
        }
        present.withLock { $0.formUnion(found) }
      }
    }
    return present.withLock { $0 }
  }

  private func holds(
    _ staged: any StagedFile, _ chunk: Manifest.Chunk, at offset: UInt64, _ buffer: inout [UInt8]
  ) -> Bool {
    let count = Int(chunk.length)
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    return buffer.withUnsafeMutableBytes { bytes in
      let slice = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
      guard (try? staged.read(at: offset, into: slice)) == count else { return false }
      return reader.hasher.hash(UnsafeRawBufferPointer(slice)) == chunk.hash
    }
  }

  // MARK: From the local version

  /// A chunk that the local version holds, too.
  private struct Copy: Sendable {
    let index: Int
    let chunk: Manifest.Chunk
    let from: UInt64
    let to: UInt64
  }

  private func copyLocal(
    _ local: any ReadableFile, _ base: Manifest, into seeded: inout Seeded
  ) throws(SoftadastraError) {
    let blocks = blocks(of: copies(base, besides: seeded.present))
    guard !blocks.isEmpty else { return }
    let isLarge = manifest.byteCount >= Self.largeBytes
    let staged = seeded.file
    let next = Atomic(0)
    let result = Mutex((present: seeded.present, failure: SoftadastraError?.none))
    concurrently(threads: isLarge ? Self.threads : 1) {
      var buffer: [UInt8] = []
      while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < blocks.count {
        do throws(SoftadastraError) {
          let copied = try copy(blocks[index], local, staged, &buffer)
          result.withLock { $0.present.formUnion(copied) }
        } catch {
          return result.withLock { $0.failure = error }
        }
        if isLarge { staged.beginWriteback() }
      }
    }
    if let failure = result.withLock({ $0.failure }) { throw failure }
    seeded.present = result.withLock { $0.present }
  }

  private func copies(_ base: Manifest, besides present: Set<Int>) -> [Copy] {
    var positions: [Manifest.Chunk: UInt64] = [:]
    for (chunk, offset) in zip(base.chunks, base.offsets()) { positions[chunk] = offset }
    let offsets = manifest.offsets()
    return manifest.chunks.enumerated().compactMap { index, chunk in
      guard !present.contains(index), let from = positions[chunk] else { return nil }
      return Copy(index: index, chunk: chunk, from: from, to: offsets[index])
    }
  }

  private func blocks(of copies: [Copy]) -> [ArraySlice<Copy>] {
    var blocks: [ArraySlice<Copy>] = []
    var (start, bytes) = (0, 0)
    for (index, copy) in copies.enumerated() {
      bytes += Int(copy.chunk.length)
      guard bytes >= Self.blockBytes || index == copies.count - 1 else { continue }
      blocks.append(copies[start...index])
      (start, bytes) = (index + 1, 0)
    }
    return blocks
  }

  /// Returns those that the local file really holds.
  private func copy(
    _ copies: ArraySlice<Copy>, _ local: any ReadableFile, _ staged: any StagedFile, _ buffer: inout [UInt8]
  ) throws(SoftadastraError) -> [Int] {
    var copied: [Int] = []
    for copy in copies {
      let count = Int(copy.chunk.length)
      if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
      var failure: SoftadastraError?
      buffer.withUnsafeMutableBytes { bytes in
        let slice = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        guard (try? local.read(at: copy.from, into: slice)) == count,
          reader.hasher.hash(UnsafeRawBufferPointer(slice)) == copy.chunk.hash
        else { return }
        do throws(SoftadastraError) {
          try staged.write(at: copy.to, UnsafeRawBufferPointer(slice))
          copied.append(copy.index)
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
    }
    return copied
  }

  /// What was appended to lost its last chunk, and the new one at that place mostly begins with it: only the rest is
  /// fetched, and the whole is verified then.
  private func copyTail(
    _ local: any ReadableFile, _ base: Manifest, into seeded: inout Seeded
  ) throws(SoftadastraError) {
    guard let last = base.chunks.last else { return }
    let offset = base.byteCount - UInt64(last.length)
    guard let index = manifest.offsets().firstIndex(of: offset), !seeded.present.contains(index),
      manifest.chunks[index].length > last.length
    else { return }
    var bytes = [UInt8](repeating: 0, count: Int(last.length))
    let isThere = bytes.withUnsafeMutableBytes { buffer in
      (try? local.read(at: offset, into: buffer)) == buffer.count
        && reader.hasher.hash(UnsafeRawBufferPointer(buffer)) == last.hash
    }
    guard isThere else { return }
    var failure: SoftadastraError?
    bytes.withUnsafeBytes { buffer in
      do throws(SoftadastraError) { try seeded.file.write(at: offset, buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    seeded.prefixes[index] = bytes.count
    seeded.isBlank = false
  }
}
