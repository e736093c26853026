// | field   | form                                                       |
// | ------- | ---------------------------------------------------------- |
// | dot     | replica u64, counter varint (<= 2^62)                      |
// | stamp   | u64                                                        |
// | author  | u64: 40 bits, and bit 63 if an origin follows              |
// | origin  | replica u64, counter varint; only if it is not the dot     |
// | vector  | count varint (<= 16,384), then replica u64, counter varint each, ascending, the dot's own entry included |

extension Version {
  fileprivate static let originFlag: UInt64 = 1 << 63
}

extension ByteWriter {
  public mutating func dot(_ value: Dot) {
    uint64(value.replica.rawValue)
    varint(value.counter)
  }

  public mutating func vector(_ value: VersionVector) {
    varint(value.dots.count)
    for dot in value.dots { self.dot(dot) }
  }

  public mutating func version(_ value: Version) {
    dot(value.dot)
    uint64(value.stamp.rawValue)
    if value.origin == value.dot {
      uint64(value.author.rawValue)
    } else {
      uint64(value.author.rawValue | Version.originFlag)
      dot(value.origin)
    }
    vector(value.vector)
  }

  public mutating func contentHash(_ value: ContentHash) {
    uint64(value.high)
    uint64(value.low)
  }
}

extension ByteReader {
  public mutating func dot() throws(CodingError) -> Dot {
    let (replica, counter) = (ReplicaID(rawValue: try uint64()), try varint())
    guard counter <= Dot.maxCounter else { throw .tooLarge(what: "counter of a version", limit: Int(Dot.maxCounter)) }
    return Dot(replica: replica, counter: counter)
  }

  public mutating func vector() throws(CodingError) -> VersionVector {
    let count = try count(limit: VersionVector.maxMembers, "version vector")
    var vector = VersionVector()
    var last: ReplicaID?
    for _ in 0..<count {
      let dot = try dot()
      guard dot.counter > 0, last.map({ $0 < dot.replica }) ?? true else { throw .invalid(what: "version vector") }
      last = dot.replica
      vector.add(dot)
    }
    return vector
  }

  public mutating func version() throws(CodingError) -> Version {
    let dot = try dot()
    let stamp = HybridTimestamp(rawValue: try uint64())
    let (author, origin) = try authorAndOrigin(of: dot)
    let vector = try vector()
    guard dot.counter > 0, origin.counter > 0, vector.covers(dot) else { throw .invalid(what: "version") }
    return Version(vector: vector, dot: dot, stamp: stamp, author: author, origin: origin)
  }

  /// What lies between a version's stamp and its vector.
  public mutating func authorAndOrigin(of dot: Dot) throws(CodingError) -> (AuthorTag, Dot) {
    let bits = try uint64()
    return (AuthorTag(rawValue: bits), bits & Version.originFlag == 0 ? dot : try self.dot())
  }

  public mutating func contentHash() throws(CodingError) -> ContentHash {
    ContentHash(high: try uint64(), low: try uint64())
  }
}
