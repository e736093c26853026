// | field   | form                                                       |
// | ------- | ---------------------------------------------------------- |
// | dot     | replica u64, counter varint                                |
// | stamp   | u64                                                        |
// | author  | u64, of which 40 bits count                                |
// | vector  | count varint (<= 1024), then replica u64, counter varint each, ascending, the dot's own entry included |

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
    uint64(value.author.rawValue)
    vector(value.vector)
  }

  public mutating func contentHash(_ value: ContentHash) {
    uint64(value.high)
    uint64(value.low)
  }
}

extension ByteReader {
  public mutating func dot() throws(CodingError) -> Dot {
    Dot(replica: ReplicaID(rawValue: try uint64()), counter: try varint())
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
    let author = AuthorTag(rawValue: try uint64())
    let vector = try vector()
    guard dot.counter > 0, vector.covers(dot) else { throw .invalid(what: "version") }
    return Version(vector: vector, dot: dot, stamp: stamp, author: author)
  }

  public mutating func contentHash() throws(CodingError) -> ContentHash {
    ContentHash(high: try uint64(), low: try uint64())
  }
}
