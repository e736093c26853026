public import SoftadastraCore
public import SoftadastraStore

/// What the engine reads of a store: which entries of a space changed after some sequence. No I/O.
public protocol ChangeFeed {
  func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage
}

/// A run of a feed in sequence order, superseded entries left out.
public struct FeedPage: Sendable {
  public struct Item: Sendable, Hashable {
    public let key: [UInt8]
    public let sequence: UInt64
    public let dot: Dot
    public let isConflictCopy: Bool
    /// Of the value.
    public let bytes: Int

    public init(key: [UInt8], sequence: UInt64, dot: Dot, isConflictCopy: Bool = false, bytes: Int = 0) {
      self.key = key
      self.sequence = sequence
      self.dot = dot
      self.isConflictCopy = isConflictCopy
      self.bytes = bytes
    }
  }

  public var items: [Item]
  /// The page is complete up to here.
  public var through: UInt64
  /// There was nothing behind it when it was read.
  public var isLast: Bool
  /// The highest counter of the store's own replica up to here, if this is the end: what a watermark that goes along may
  /// claim. The feed may have grown before the next page is read.
  public var ownCounter: UInt64

  public init(items: [Item], through: UInt64, isLast: Bool, ownCounter: UInt64 = 0) {
    self.items = items
    self.through = through
    self.isLast = isLast
    self.ownCounter = ownCounter
  }
}

/// The durable part of a store as a feed: what is not durable yet is never offered to anybody.
public struct StoreFeed: ChangeFeed {
  private let store: Store
  public init(_ store: Store) { self.store = store }

  public func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage {
    let page = store.changes(prefix: space.prefix, since: since, limit: limit)
    let items = page.entries.compactMap { entry -> FeedPage.Item? in
      guard let dot = entry.summary.dot else { return nil }
      return FeedPage.Item(
        key: entry.key, sequence: entry.summary.sequence, dot: dot,
        isConflictCopy: Change.Flags(rawValue: entry.summary.flags).contains(.conflictCopy),
        bytes: entry.summary.valueCount)
    }
    return FeedPage(items: items, through: page.through, isLast: !page.isTruncated)
  }
}
