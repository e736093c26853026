import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraSync
import TestSupport
import Testing

/// A file is read again with what it held before at hand: the chunks are those that a first look finds.
@Suite struct KnownCutsTests {
  static let path = BytePath("file")
  static let hasher = ContentHasher(secret: [UInt8](repeating: 7, count: 32))

  static func manifest(of bytes: [UInt8], previous: Manifest? = nil) throws -> Manifest {
    let volume = MemoryVolume()
    volume.write(path, bytes)
    return try ContentReader(volume: volume, hasher: hasher).manifest(of: path, previous: previous).1
  }

  static func randomBytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func anEditedFileIsCutAsIfItWereNew(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var bytes = Self.randomBytes(Int.random(in: 200_000...6_000_000, using: &random), &random)
    var previous = try Self.manifest(of: bytes)
    for _ in 0..<6 {
      let at = Int.random(in: 0...bytes.count, using: &random)
      let length = min(Int.random(in: 0...300_000, using: &random), bytes.count - at)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.insert(contentsOf: Self.randomBytes(length, &random), at: at)
      case 1: bytes.removeSubrange(at..<at + length)
      case 2: for index in at..<at + min(length, 50) { bytes[index] ^= 0x55 }
      case 3: bytes += Self.randomBytes(1024, &random)
      case 4: bytes = Array(bytes[at...] + bytes[..<at])
      default: bytes.replaceSubrange(at..<at + length, with: [UInt8](repeating: 0, count: length))
      }
      let found = try Self.manifest(of: bytes, previous: previous)
      #expect(found == (try Self.manifest(of: bytes)))
      #expect(found.byteCount == UInt64(bytes.count))
      previous = found
    }
  }

  @Test func whatNoLongerFitsIsFoundAtTheEnd() throws {
    var random = SeededRandom(seed: 1)
    let bytes = Self.randomBytes(1 << 20, &random)
    let whole = try Self.manifest(of: bytes)
    for count in [1 << 20 - 1, 900_000, 300_000, 70_000] {
      let shorter = try Self.manifest(of: Array(bytes[..<count]))
      #expect(try Self.manifest(of: Array(bytes[..<count]), previous: whole) == shorter)
      #expect(try Self.manifest(of: bytes, previous: shorter) == whole)
    }
  }

  /// What a peer says may be cut in any way: of its own content it is taken as it is, of other content not at all.
  @Test func aManifestThatNoChunkerMadeDoesNoHarm() throws {
    var random = SeededRandom(seed: 2)
    let bytes = Self.randomBytes(1 << 20, &random)
    let pieces = stride(from: 0, to: bytes.count, by: 1000).map { start in
      let piece = bytes[start..<min(start + 1000, bytes.count)]
      return Manifest.Chunk(
        hash: Array(piece).withUnsafeBytes { Self.hasher.hash($0) }, length: UInt32(piece.count))
    }
    let odd = Manifest(sizeClass: 0, chunks: pieces)
    #expect(try Self.manifest(of: bytes, previous: odd) == odd)
    var other = bytes
    other[0] ^= 1
    #expect(try Self.manifest(of: other, previous: odd).byteCount == UInt64(bytes.count))
    let huge = Manifest(sizeClass: 0, chunks: [Manifest.Chunk(hash: pieces[0].hash, length: .max)])
    #expect(try Self.manifest(of: bytes, previous: huge) == (try Self.manifest(of: bytes)))
  }

  /// Large enough to be cut on several threads: the chunks are those that one thread finds, of content that has cuts and
  /// of content that has none.
  @Test(arguments: [false, true])
  func severalThreadsFindWhatOneFinds(isConstant: Bool) throws {
    var random = SeededRandom(seed: 3)
    let count = 40 << 20
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for offset in stride(from: 0, to: count, by: 8) {
        UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: isConstant ? 0 : random.next(), toByteOffset: offset, as: UInt64.self)
      }
      filled = count
    }
    let found = try Self.manifest(of: bytes)
    let expected = bytes.withUnsafeBytes { buffer in
      var offset = 0
      return Chunker(ChunkSizeClass(rawValue: found.sizeClass)!).cuts(buffer).map { length in
        defer { offset += length }
        return Manifest.Chunk(
          hash: Self.hasher.hash(UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + length])),
          length: UInt32(length))
      }
    }
    #expect(found.chunks == expected)
    #expect(try Self.manifest(of: Array(bytes.dropFirst()), previous: found).byteCount == UInt64(count - 1))
    #expect(try Self.manifest(of: bytes, previous: found) == found)
  }
}
