public import SoftadastraCore

/// One change of one key, as part of a commit.
public enum Mutation: Sendable {
  /// Sets key and value. A nil version makes the key local to this node.
  case put(key: [UInt8], value: [UInt8], version: Version?, tag: UInt64 = 0, flags: UInt8 = 0)
  /// Leaves a tombstone, which may carry a value.
  case delete(key: [UInt8], value: [UInt8] = [], version: Version?, tag: UInt64 = 0, flags: UInt8 = 0)
  /// Removes the key without a trace. For local keys, and for tombstones that every member has seen.
  case erase(key: [UInt8])
  /// Gives the entry another tag. No change in the feed: the entry keeps its sequence. Of an absent key: nothing.
  case retag(key: [UInt8], tag: UInt64)

  public var key: [UInt8] {
    switch self {
    case .put(let key, _, _, _, _), .delete(let key, _, _, _, _), .erase(let key), .retag(let key, _): key
    }
  }
}

/// What must hold of a key for a commit to happen.
public struct CommitCondition: Sendable, Hashable {
  public enum Expectation: Sendable, Hashable {
    /// The dot of the key's present version; nil if the key must be absent or a tombstone.
    case version(Dot?)
    /// The entry's own sequence, tombstone or not; nil if there must be none.
    case sequence(UInt64?)
  }

  public var key: [UInt8]
  public var expected: Expectation

  public init(key: [UInt8], expected: Dot?) {
    self.key = key
    self.expected = .version(expected)
  }

  /// Nobody has written the key since `entry` was read.
  public init(key: [UInt8], isStill entry: Entry?) {
    self.key = key
    expected = .sequence(entry?.sequence)
  }
}

/// One page of the feed.
public struct ChangePage: Sendable {
  /// In sequence order; superseded entries are absent.
  public var entries: [(key: [UInt8], summary: EntrySummary)]
  /// Every change under the prefix at or below this sequence was seen: continue from here.
  public var through: UInt64
  /// There may be more below the bound that was asked for. Without an entry, and `through` where it was: not before more is
  /// durable.
  public var isTruncated: Bool

  public init(entries: [(key: [UInt8], summary: EntrySummary)], through: UInt64, isTruncated: Bool) {
    self.entries = entries
    self.through = through
    self.isTruncated = isTruncated
  }
}
