internal import SoftadastraCore
public import SoftadastraStore
public import SoftadastraSync

/// The store's feed, remembering the highest counter of our own seen in each space: the own part of a watermark.
///
/// Only what was read from the feed counts. A counter that was given out and is not committed yet must not be claimed,
/// or a third node would believe that everybody has it.
public final class OwnCounterFeed: ChangeFeed {
  private let feed: StoreFeed
  private let store: Store
  public private(set) var ownCounters: [SpaceID: UInt64] = [:]

  public init(_ store: Store) {
    self.store = store
    feed = StoreFeed(store)
  }

  /// As far as it was read in this life; before that, what the store holds.
  func ownCounter(of space: SpaceID) -> UInt64 {
    if let known = ownCounters[space] { return known }
    var highest: UInt64 = 0
    var after: [UInt8]?
    repeat {
      let page = store.tombstones(prefix: space.prefix, after: after)
      highest = max(highest, page.ownCounter)
      after = page.next
    } while after != nil
    ownCounters[space] = highest
    return highest
  }

  /// A new replica counts anew.
  public func reset() { ownCounters.removeAll() }

  public func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage {
    // First: everything that was seen so far lies before the end of what is read now.
    var highest = ownCounter(of: space)
    var page = feed.page(of: space, since: since, limit: limit)
    let own = store.replica
    for item in page.items where item.dot.replica == own && !item.isConflictCopy {
      highest = max(highest, item.dot.counter)
    }
    ownCounters[space] = highest
    page.ownCounter = highest
    return page
  }
}
