import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@Suite struct SkippedFeedTests {
  /// A feed of entries that the peer wrote itself, behind `others` of somebody else.
  private struct TheirsOnly: ChangeFeed {
    let replica: ReplicaID
    let count: UInt64
    var others: UInt64 = 0
    var isHeldBack = false

    func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage {
      let through = min(count, since + UInt64(limit))
      let isLast = through == count && !isHeldBack
      guard through > since else { return FeedPage(items: [], through: since, isLast: isLast) }
      let items = (since + 1...through).map {
        let author = $0 <= others ? ReplicaID(rawValue: 77) : replica
        return FeedPage.Item(key: [1], sequence: $0, dot: Dot(replica: author, counter: $0))
      }
      return FeedPage(items: items, through: through, isLast: isLast)
    }
  }

  /// What follows the last batch does not concern the peer.
  @Test func theEndIsToldWhereTheLastBatchWasFull() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    let options = SyncOptions()
    let count = UInt64(options.batchEntries)
    let feed = TheirsOnly(replica: ReplicaID(rawValue: 9), count: count + 5, others: count)
    var engine = SyncEngine(options: options)
    engine.connect(peer, replica: feed.replica)
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())
    var batches = Self.batches(engine.drain(now: 1, reading: feed))
    #expect(batches.map(\.items.count) == [Int(count)] && batches.first?.isLast == false)
    engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: count, applied: count), now: 4)
    batches = Self.batches(engine.drain(now: 2, reading: feed))
    #expect(batches.count == 1 && batches.first?.items.isEmpty == true && batches.first?.isLast == true)
    #expect(Self.batches(engine.drain(now: 3, reading: feed)).isEmpty)
  }

  /// A watermark that is news goes with the end, not with each page before it.
  @Test func aLongStretchBeforeTheEndTakesTwoMessages() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    let options = SyncOptions()
    let feed = TheirsOnly(replica: ReplicaID(rawValue: 9), count: UInt64(40 * options.batchEntries))
    var engine = SyncEngine(options: options)
    engine.connect(peer, replica: feed.replica)
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector(), owesWatermark: true)
    var batches = Self.batches(engine.drain(now: 1, reading: feed))
    for _ in 0..<3 {
      let through = try #require(engine.outgoing(peer, .values)).sent
      engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: through, applied: through), now: 4)
      batches += Self.batches(engine.drain(now: 2, reading: feed))
    }
    #expect(batches.count == 2 && batches.last?.isLast == true && batches.last?.through == feed.count)
  }

  /// A cursor that was told before the feed began anew, and then taken back.
  @Test func aPeerThatKnowsLessGetsItAgain() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    let feed = TheirsOnly(replica: ReplicaID(rawValue: 9), count: 9, others: 9)
    var engine = SyncEngine()
    engine.connect(peer, replica: feed.replica)
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())
    #expect(Self.batches(engine.drain(now: 1, reading: feed)).map(\.items.count) == [9])
    engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: 6, applied: 6), now: 4)
    #expect(Self.batches(engine.drain(now: 2, reading: feed)).isEmpty)
    engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: 0, applied: 0), now: 4)
    let again = Self.batches(engine.drain(now: 3, reading: feed))
    #expect(again.map(\.after) == [0] && again.map(\.items.count) == [9])
  }

  /// A part of the feed waits for the log.
  @Test func theEndIsNotToldBeforeItIsReached() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    var feed = TheirsOnly(replica: ReplicaID(rawValue: 9), count: 3, others: 3, isHeldBack: true)
    var engine = SyncEngine()
    engine.connect(peer, replica: feed.replica)
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())
    var batches = Self.batches(engine.drain(now: 1, reading: feed))
    #expect(batches.map(\.isLast) == [false])
    engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: 3, applied: 3), now: 4)
    #expect(Self.batches(engine.drain(now: 2, reading: feed)).isEmpty)
    feed.isHeldBack = false
    engine.changed(.values)
    batches = Self.batches(engine.drain(now: 3, reading: feed))
    #expect(batches.map(\.isLast) == [true] && batches.first?.items.isEmpty == true)
  }

  /// Ends where it was read, and has grown when it is read again.
  private final class Growing: ChangeFeed {
    static let replica = ReplicaID(rawValue: 5)
    private var end: UInt64 = 3

    func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage {
      let through = end
      if end < 5 { end += 1 }
      guard through > since else { return FeedPage(items: [], through: since, isLast: true, ownCounter: through) }
      let items = (since + 1...through).map {
        FeedPage.Item(key: [1], sequence: $0, dot: Dot(replica: Self.replica, counter: $0))
      }
      return FeedPage(items: items, through: through, isLast: true, ownCounter: through)
    }
  }

  /// A peer whose session ends behind the first of these batches must not believe that it has what comes with the next.
  @Test func whatIsClaimedComesNoLaterThanTheClaim() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    var engine = SyncEngine()
    engine.connect(peer, replica: ReplicaID(rawValue: 9))
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())
    let batches = Self.batches(engine.drain(now: 1, reading: Growing()))
    #expect(batches.map(\.through) == [3, 4, 5] && batches.allSatisfy(\.isLast))
    #expect(batches.map(\.ownCounter) == [3, 4, 5])
  }

  private static func batches(_ outputs: [SyncEngine.Output]) -> [SyncEngine.Batch] {
    outputs.compactMap { if case .send(let batch) = $0 { batch } else { nil } }
  }

  @Test(arguments: [(UInt64(100), false), (100_000, true)])
  func aPeerHearsOfALongStretchThatDoesNotConcernIt(count: UInt64, isTold: Bool) throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    let feed = TheirsOnly(replica: ReplicaID(rawValue: 9), count: count)
    var engine = SyncEngine()
    engine.connect(peer, replica: feed.replica)
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())
    let batches = Self.batches(engine.drain(now: 1, reading: feed))
    guard isTold else {
      #expect(batches.isEmpty)
      return
    }
    #expect(batches.count == 1)
    let batch = try #require(batches.first)
    #expect(batch.items.isEmpty && batch.after == 0 && batch.through == count)
    engine.acknowledged(peer, SyncMessage.Acknowledge(space: .values, known: count, applied: count), now: 4)
    #expect(engine.outgoing(peer, .values)?.known == count)
    #expect(engine.tick(now: 2, reading: feed).batches == 0)
  }
}
