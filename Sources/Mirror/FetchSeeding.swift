internal import SoftadastraCore
internal import SoftadastraFS

/// Fills a staged file with the chunks that are on this machine already. Blocks: for worker threads.
struct FetchSeeding: Sendable {
  let volume: any Volume
  let reader: ContentReader
  let manifest: Manifest
  let path: BytePath
  let localManifest: Manifest?

  func run(stagedName: String) -> Result<(any StagedFile, Set<Int>), SoftadastraError> {
    do throws(SoftadastraError) {
      let isResumed = try volume.stagedNames().contains(stagedName)
      let staged = try volume.stage(named: stagedName)
      var present: Set<Int> = []
      if isResumed { present = try alreadyStaged(staged) }
      if let localManifest, let local = try? volume.openForReading(path) {
        try copyLocal(local, localManifest, into: staged, &present)
      }
      return .success((staged, present))
    } catch {
      return .failure(error)
    }
  }

  private func alreadyStaged(_ staged: any StagedFile) throws(SoftadastraError) -> Set<Int> {
    var present: Set<Int> = []
    var buffer: [UInt8] = []
    let offsets = manifest.offsets()
    for (index, chunk) in manifest.chunks.enumerated() {
      let count = Int(chunk.length)
      if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
      let isThere = buffer.withUnsafeMutableBytes { bytes in
        let slice = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        guard (try? staged.read(at: offsets[index], into: slice)) == count else { return false }
        return reader.hasher.hash(UnsafeRawBufferPointer(slice)) == chunk.hash
      }
      if isThere { present.insert(index) }
    }
    return present
  }

  private func copyLocal(
    _ local: any ReadableFile, _ base: Manifest, into staged: any StagedFile, _ present: inout Set<Int>
  ) throws(SoftadastraError) {
    var positions: [Manifest.Chunk: UInt64] = [:]
    for (chunk, offset) in zip(base.chunks, base.offsets()) { positions[chunk] = offset }
    var buffer: [UInt8] = []
    let offsets = manifest.offsets()
    for (index, chunk) in manifest.chunks.enumerated() where !present.contains(index) {
      guard let from = positions[chunk] else { continue }
      let count = Int(chunk.length)
      if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
      var failure: SoftadastraError?
      let isCopied = buffer.withUnsafeMutableBytes { bytes in
        let slice = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        guard (try? local.read(at: from, into: slice)) == count,
          reader.hasher.hash(UnsafeRawBufferPointer(slice)) == chunk.hash
        else { return false }
        do throws(SoftadastraError) {
          try staged.write(at: offsets[index], UnsafeRawBufferPointer(slice))
          return true
        } catch {
          failure = error
          return false
        }
      }
      if let failure { throw failure }
      if isCopied { present.insert(index) }
    }
  }
}
