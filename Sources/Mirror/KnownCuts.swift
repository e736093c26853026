internal import SoftadastraCore
internal import SoftadastraFS

/// Finds again where an older version of a file was cut.
///
/// Where a chunk begins decides, with its bytes alone, where it ends. So where the bytes of an older chunk follow a cut,
/// the next cut is known: to see that they do takes a hash, several times faster than looking for the cut. The result is
/// exactly what the chunker finds.
///
/// Which chunk may follow: the one after that which was found last, or the one that lay at this place. Both also behind
/// an insertion or a removal, as soon as one chunk is found by its hash, or a cut falls on an older one.
struct KnownCuts: Sendable {
  private let base: Manifest
  private let offsets: [UInt64]
  private let maximum: Int
  /// What is looked for next.
  private var expected: Int?
  private let positions: [Manifest.Chunk: Int]

  /// Nil where nothing can be found again: another size class cuts elsewhere.
  init?(_ base: Manifest, _ sizeClass: ChunkSizeClass) {
    guard base.sizeClass == sizeClass.rawValue, !base.chunks.isEmpty else { return nil }
    self.base = base
    offsets = base.offsets()
    maximum = sizeClass.maximum
    expected = 0
    positions = Dictionary(base.chunks.enumerated().map { ($1, $0) }) { first, _ in first }
  }

  /// Goes on in the middle of the file.
  mutating func begin(at offset: UInt64) { expected = chunkBeginning(at: offset) }

  /// The chunk that `bytes` begin with, if it is the one that is expected.
  ///
  /// - Parameter isAtEnd: nothing follows `bytes`. The last chunk of a file ends with it, not by its content.
  mutating func next(_ bytes: UnsafeRawBufferPointer, isAtEnd: Bool, _ hasher: ContentHasher) -> Manifest.Chunk? {
    guard let index = expected else { return nil }
    let chunk = base.chunks[index]
    let length = Int(chunk.length)
    let isLast = index == base.chunks.count - 1
    guard length <= maximum, length <= bytes.count, !isLast || isAtEnd && length == bytes.count,
      hasher.hash(UnsafeRawBufferPointer(rebasing: bytes[..<length])) == chunk.hash
    else {
      expected = nil
      return nil
    }
    expected = isLast ? nil : index + 1
    return chunk
  }

  /// Takes note of a chunk that was not found here, so that the search may go on behind it.
  mutating func missed(_ chunk: Manifest.Chunk, endingAt end: UInt64) {
    if let index = positions[chunk] {
      expected = index + 1 < base.chunks.count ? index + 1 : nil
    } else {
      expected = chunkBeginning(at: end)
    }
  }

  private func chunkBeginning(at offset: UInt64) -> Int? {
    var range = 0..<offsets.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if offsets[middle] == offset { return middle }
      if offsets[middle] < offset { range = middle + 1..<range.upperBound } else { range = range.lowerBound..<middle }
    }
    return nil
  }
}
