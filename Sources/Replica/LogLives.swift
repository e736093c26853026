internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// The lives of this store, and where in its log each began: whether a cursor that a peer earned in one of them still
/// points to what it pointed to.
///
/// A log that was rolled back (restored from a backup, or cut by a power loss) fills the same sequences with something
/// else. Counters need not show that: a replica that only received has used none twice.
///
/// | bytes | what                                                        |
/// | ----- | ----------------------------------------------------------- |
/// | u8    | 1                                                           |
/// | varint | count, at most 256; the oldest are forgotten               |
/// | each  | nonce u64, the first sequence of that life varint           |
struct LogLives: Sendable, Hashable {
  private static let maxCount = 256

  struct Life: Sendable, Hashable {
    let nonce: UInt64
    let first: UInt64
  }

  private(set) var lives: [Life] = []

  static func read(from store: Store) -> LogLives {
    guard let entry = try? store.get(StoreKey.lives) else { return LogLives() }
    let decoded = try? decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
      guard try reader.uint8() == 1 else { throw .invalid(what: "lives of a log") }
      var lives = LogLives()
      for _ in 0..<(try reader.count(limit: maxCount, "lives of a log")) {
        lives.lives.append(Life(nonce: try reader.uint64(), first: try reader.varint()))
      }
      return lives
    }
    return decoded ?? LogLives()
  }

  /// A life begins with the log's next record.
  mutating func begin(_ nonce: UInt64, first: UInt64) {
    // What is at or behind the beginning was rolled back.
    lives.removeAll { $0.first >= first }
    lives.append(Life(nonce: nonce, first: first))
    if lives.count > Self.maxCount { lives.removeFirst(lives.count - Self.maxCount) }
  }

  /// Whether the log still has what it had when somebody came to `sequence` in that life.
  func hasKept(_ sequence: UInt64, of nonce: UInt64) -> Bool {
    guard let index = lives.firstIndex(where: { $0.nonce == nonce }) else { return false }
    return index + 1 == lives.count || sequence < lives[index + 1].first
  }

  var mutation: Mutation {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.varint(UInt64(lives.count))
    for life in lives {
      writer.uint64(life.nonce)
      writer.varint(life.first)
    }
    return .put(key: StoreKey.lives, value: writer.bytes, version: nil)
  }
}
