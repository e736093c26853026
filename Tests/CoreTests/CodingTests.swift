import SoftadastraCore
import TestSupport
import Testing

@Suite struct CodingTests {
  private static func sample() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(7)
    writer.bool(true)
    writer.uint16(.max)
    writer.uint32(1)
    writer.uint64(.max)
    writer.int64(.min)
    writer.varint(UInt64.max)
    writer.byteString([1, 2, 3])
    writer.text("grün")
    writer.version(
      Version(
        vector: VersionVector([Dot(replica: ReplicaID(rawValue: 1), counter: 9)]),
        dot: Dot(replica: ReplicaID(rawValue: 2), counter: 300), stamp: HybridTimestamp(rawValue: 5),
        author: AuthorTag(rawValue: 6)))
    writer.contentHash(ContentHash(high: 1, low: 2))
    return writer.bytes
  }

  private static func read(_ bytes: [UInt8]) throws(CodingError) -> Version {
    try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      _ = try reader.uint8()
      _ = try reader.bool()
      _ = try reader.uint16()
      _ = try reader.uint32()
      _ = try reader.uint64()
      _ = try reader.int64()
      _ = try reader.varint()
      _ = try reader.byteString(limit: 100, "bytes")
      _ = try reader.text(limit: 100, "text")
      let version = try reader.version()
      _ = try reader.contentHash()
      return version
    }
  }

  @Test func roundTrip() throws {
    let version = try Self.read(Self.sample())
    #expect(version.dot == Dot(replica: ReplicaID(rawValue: 2), counter: 300))
    #expect(version.vector.dots.count == 2)
  }

  @Test func everyTruncationIsRefused() {
    let whole = Self.sample()
    for count in 0..<whole.count { #expect(throws: CodingError.self) { try Self.read(Array(whole[..<count])) } }
    #expect(throws: CodingError.trailingBytes(1)) { try Self.read(whole + [0]) }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func damageNeverTraps(seed: UInt64) {
    for copy in damagedCopies(of: Self.sample(), seed: seed) { _ = try? Self.read(copy) }
  }

  @Test(arguments: [0, 1, 127, 128, 16383, 16384, UInt64.max >> 1, UInt64.max]) func varint(value: UInt64) throws {
    var writer = ByteWriter()
    writer.varint(value)
    #expect(try decode(writer.bytes) { (r: inout ByteReader) throws(CodingError) in try r.varint() } == value)
  }

  @Test func oversizedVarintsAreRefused() {
    let read = { (bytes: [UInt8]) in
      _ = try decode(bytes) { (r: inout ByteReader) throws(CodingError) in try r.varint() }
    }
    #expect(throws: CodingError.overflow) { try read([UInt8](repeating: 0xFF, count: 9) + [2]) }
    #expect(throws: CodingError.overflow) { try read([UInt8](repeating: 0x80, count: 10) + [1]) }
    #expect(throws: CodingError.truncated) { try read([0x80]) }
  }

  @Test func versionsThatMakeNoSenseAreRefused() {
    let dot = Dot(replica: ReplicaID(rawValue: 2), counter: 3)
    let write = { (dots: [Dot]) -> [UInt8] in
      var writer = ByteWriter()
      writer.dot(dot)
      writer.uint64(1)
      writer.uint64(1)
      writer.varint(dots.count)
      for dot in dots { writer.dot(dot) }
      return writer.bytes
    }
    let read = { (bytes: [UInt8]) throws in
      try decode(bytes) { (r: inout ByteReader) throws(CodingError) in try r.version() }
    }
    #expect(throws: Never.self) { try read(write([dot])) }
    #expect(throws: CodingError.self) { try read(write([])) }
    #expect(throws: CodingError.self) { try read(write([dot, dot])) }
    #expect(throws: CodingError.self) { try read(write([Dot(replica: ReplicaID(rawValue: 1), counter: 0), dot])) }
    #expect(throws: CodingError.self) { try read(write([Dot(replica: ReplicaID(rawValue: 2), counter: 2)])) }
  }

  @Test func thereIsAlwaysANextCounter() throws {
    for counter in [Dot.maxCounter, Dot.maxCounter + 1, .max] {
      let dot = Dot(replica: ReplicaID(rawValue: 1), counter: counter)
      var writer = ByteWriter()
      writer.vector(VersionVector([dot]))
      let bytes = writer.bytes
      func read() throws -> VersionVector {
        try bytes.withUnsafeBytes { bytes in
          var reader = ByteReader(bytes)
          return try reader.vector()
        }
      }
      if counter <= Dot.maxCounter {
        #expect(try read()[dot.replica] == counter)
      } else {
        #expect(throws: CodingError.self) { try read() }
      }
    }
  }

  @Test func contentHashes() {
    // Published test vectors of XXH3-64 with seed 0.
    #expect(Checksum.xxh3([]) == 0x2D06_8005_38D3_94C2)
    let secret = [UInt8](0..<32)
    let hasher = ContentHasher(secret: secret)
    for count in [0, 1, 16, 240, 241, 100_000] {
      let bytes = randomBytes(seed: 1, count: count)
      #expect(hasher.hash(bytes) == ContentHasher(secret: secret).hash(bytes))
      #expect(hasher.hash(bytes) != ContentHasher(secret: secret.reversed()).hash(bytes))
      if count > 0 {
        var other = bytes
        other[count / 2] ^= 1
        #expect(hasher.hash(bytes) != hasher.hash(other))
      }
    }
  }
}
