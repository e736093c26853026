import SoftadastraCore
import Testing

@testable import SoftadastraFS

/// SplitMix64, so that every machine has the same bytes.
func testBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var state = seed
  var out: [UInt8] = []
  out.reserveCapacity(count + 8)
  while out.count < count {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    withUnsafeBytes(of: (z ^ (z >> 31)).littleEndian) { out.append(contentsOf: $0) }
  }
  return Array(out.prefix(count))
}

@Suite struct ChunkerTests {
  /// The definition in the documentation, a byte at a time.
  private func reference(_ bytes: ArraySlice<UInt8>, _ size: ChunkSizeClass) -> Int {
    let bits = size.average.trailingZeroBitCount - 9
    func value(_ range: Range<Int>) -> UInt64 {
      range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[bytes.startIndex + $1]) }
    }
    func turned(_ word: UInt64) -> UInt64 { word << 32 | word >> 32 }
    for index in size.minimum..<max(size.minimum, min(bytes.count, size.maximum)) {
      let mark = (value(index - 3..<index - 1) * 0x7C15 + value(index - 1..<index + 1) * 0x9E37) & 0xFFFF
      guard mark >> 6 == 0xA700 >> 6 else { continue }
      let words = (0..<4).map { value(index - 31 + 8 * $0..<index - 23 + 8 * $0) }
      let left = (words[0] &* 0x9E37_79B9_7F4A_7C15) &+ turned(words[1] &* 0xBF58_476D_1CE4_E5B9)
      let right = (words[2] &* 0x94D0_49BB_1331_11EB) &+ turned(words[3] &* 0xD6E8_FEB8_6659_FD93)
      let mixed = left ^ right
      let hash = (mixed ^ (mixed >> 29)) &* 0x9E37_79B9_7F4A_7C15
      if hash.leadingZeroBitCount >= (index < size.average ? bits : bits - 4) { return index + 1 }
    }
    return min(bytes.count, size.maximum)
  }

  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 70_001, 1 << 20, (1 << 20) + 1])
  func followsItsDefinition(_ count: Int) {
    let size = ChunkSizeClass(forFileSize: 0)
    let bytes = testBytes(count, seed: UInt64(count))
    let cuts = bytes.withUnsafeBytes { Chunker(size).cuts($0) }
    var at = 0
    for cut in cuts {
      #expect(cut == reference(bytes[at...], size))
      at += cut
    }
    #expect(at == count)
  }

  @Test func cutsAreTheFormat() {
    let bytes = testBytes(600_000, seed: 42)
    #expect(bytes.withUnsafeBytes { Chunker(ChunkSizeClass(forFileSize: 0)).cuts($0) } == knownCuts)
  }
  private let knownCuts = [73261, 21770, 69130, 72356, 68573, 67489, 21633, 73347, 65128, 67313]

  @Test func vectorsFindWhatSingleBytesFind() {
    let chunker = Chunker(ChunkSizeClass(forFileSize: 0))
    let random = testBytes(3 << 20, seed: 11)
    let contents: [[UInt8]] = [
      random, random.map { $0 & 0x0F }, random.map { 97 + $0 % 26 },
      // Lines that are nearly alike, and a pattern in which every second byte has the mark.
      (0..<40_000).flatMap { Array("2026-11-28 12:00:00 line \($0) of a log\n".utf8) },
      (0..<600_000).map { [0x11, 0x1E][$0 % 2] }, [UInt8](repeating: 0, count: 600_000),
    ]
    for bytes in contents {
      bytes.withUnsafeBytes { bytes in
        var at = 0
        while at < bytes.count {
          let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
          let length = chunker.cut(rest, isAtEnd: true, withVectors: true)
          #expect(length == chunker.cut(rest, isAtEnd: true, withVectors: false))
          at += length ?? rest.count
        }
      }
    }
  }

  @Test func anInsertionMovesTheCutsAlong() {
    let chunker = Chunker(ChunkSizeClass(forFileSize: 0))
    let old = testBytes(4 << 20, seed: 7)
    var new = old
    new.insert(contentsOf: [1, 2, 3], at: 1 << 20)
    func chunks(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
      var at = 0
      return bytes.withUnsafeBytes { chunker.cuts($0) }.map { length in
        defer { at += length }
        return bytes[at..<(at + length)]
      }
    }
    let before = Set(chunks(old))
    let fresh = chunks(new).filter { !before.contains($0) }
    #expect(before.count > 40)
    #expect(fresh.count <= 3, "\(fresh.count) of \(before.count) chunks changed")
  }

  @Test func averagesAreWhatTheyClaim() {
    for raw in UInt8(0)...2 {
      let size = ChunkSizeClass(rawValue: raw)!
      let bytes = testBytes(size.average * 64, seed: 3)
      let cuts = bytes.withUnsafeBytes { Chunker(size).cuts($0) }
      #expect((32...110).contains(cuts.count), "\(cuts.count) chunks of \(size.average)")
      #expect(cuts.dropLast().allSatisfy { $0 >= size.minimum && $0 <= size.maximum })
    }
  }

  @Test func asksForMoreOnlyWhenItMust() {
    let size = ChunkSizeClass(forFileSize: 0)
    let chunker = Chunker(size)
    let zeros = [UInt8](repeating: 0, count: size.maximum + 1)
    zeros.withUnsafeBytes { all in
      let short = UnsafeRawBufferPointer(rebasing: all[..<1000])
      #expect(chunker.cut(short, isAtEnd: false) == nil)
      #expect(chunker.cut(short, isAtEnd: true) == 1000)
      #expect(chunker.cut(UnsafeRawBufferPointer(rebasing: all[..<0]), isAtEnd: true) == 0)
      #expect(chunker.cut(UnsafeRawBufferPointer(rebasing: all[..<(size.maximum - 1)]), isAtEnd: false) == nil)
      #expect(chunker.cut(all, isAtEnd: false) == size.maximum)
    }
    // A cut found early does not depend on what follows.
    let bytes = testBytes(600_000, seed: 42)
    let cuts = bytes.withUnsafeBytes { chunker.cuts($0) }
    bytes.withUnsafeBytes {
      #expect(chunker.cut(UnsafeRawBufferPointer(rebasing: $0[..<cuts[0]]), isAtEnd: false) == cuts[0])
    }
  }

  @Test func classesGrowWithTheFileAndStay() {
    let mib: UInt64 = 1 << 20
    #expect(
      [0, 256 * mib, 256 * mib + 1, 1 << 30, 4 << 30, 16 << 30, (16 << 30) + 1, .max].map {
        ChunkSizeClass(forFileSize: $0).rawValue
      } == [0, 0, 1, 1, 2, 3, 4, 4])
    let zero = ChunkSizeClass(forFileSize: 0)
    #expect(zero.next(forFileSize: 2048 * mib) == zero)
    #expect(zero.next(forFileSize: 2100 * mib).rawValue == 2)
    let two = ChunkSizeClass(rawValue: 2)!
    #expect(two.next(forFileSize: 128 * mib) == two)
    #expect(two.next(forFileSize: 127 * mib) == zero)
    #expect(ChunkSizeClass(rawValue: 4)!.next(forFileSize: .max).rawValue == 4)
    #expect(ChunkSizeClass(rawValue: 5) == nil)
    #expect(ChunkSizeClass.largest.maximum < Bounds.maxFrameBytes)
  }
}
