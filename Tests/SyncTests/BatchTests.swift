import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// How much one batch holds, and when it is sent again.
@Suite struct BatchTests {
  /// Values of one size, by somebody else than the peer.
  private struct Values: ChangeFeed {
    let sizes: [Int]

    func page(of space: SpaceID, since: UInt64, limit: Int) -> FeedPage {
      let end = min(sizes.count, Int(since) + limit)
      let items = (Int(since)..<end).map { index in
        FeedPage.Item(
          key: [1], sequence: UInt64(index + 1), dot: Dot(replica: ReplicaID(rawValue: 5), counter: UInt64(index + 1)),
          bytes: sizes[index])
      }
      return FeedPage(items: items, through: UInt64(end), isLast: end == sizes.count)
    }
  }

  private static let peer = NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount))!

  private func engine(_ options: SyncOptions = SyncOptions()) -> SyncEngine {
    var engine = SyncEngine(options: options)
    engine.connect(Self.peer, replica: ReplicaID(rawValue: 9))
    engine.subscribed(Self.peer, .values, since: 0, watermark: VersionVector())
    return engine
  }

  private func batches(_ outputs: [SyncEngine.Output]) -> [SyncEngine.Batch] {
    outputs.compactMap { if case .send(let batch) = $0 { batch } else { nil } }
  }

  private func acknowledge(_ through: UInt64) -> SyncMessage.Acknowledge {
    SyncMessage.Acknowledge(space: .values, known: through, applied: through)
  }

  /// A batch ends with the entry that fills it; all of them together are the feed, without a gap.
  @Test func batchesAreBoundedByBytes() {
    var options = SyncOptions()
    options.batchBytes = 1000
    var engine = engine(options)
    let sent = batches(engine.drain(now: 1, reading: Values(sizes: [400, 400, 400, 5000, 1, 1, 1000, 0, 0])))
    #expect(sent.map(\.items.count) == [3, 1, 3, 2])
    #expect(sent.map(\.through) == [3, 4, 7, 9] && sent.map(\.after) == [0, 3, 4, 7])
    #expect(sent.map(\.isLast) == [false, false, false, true])
  }

  /// An entry that fills the last batch needs no empty one behind it.
  @Test func theLastEntryMayFillItsBatch() {
    var options = SyncOptions()
    options.batchBytes = 1000
    var engine = engine(options)
    let sent = batches(engine.drain(now: 1, reading: Values(sizes: [1, 2000])))
    #expect(sent.map(\.items.count) == [2] && sent.map(\.isLast) == [true])
  }

  /// What waits for a slow link is not sent a second time behind itself.
  @Test func timeCountsFromWhenABatchLeft() throws {
    let options = SyncOptions()
    let (feed, patience) = (Values(sizes: [1, 1]), options.retryNanoseconds)
    var engine = engine(options)
    let batch = try #require(batches(engine.drain(now: 1, reading: feed)).first)
    #expect(engine.tick(now: 10 * patience, reading: feed).retried == 0)
    engine.left(batch, isWhole: true, now: 10 * patience)
    #expect(engine.tick(now: 11 * patience, reading: feed).retried == 0)
    let result = engine.tick(now: 11 * patience + 1, reading: feed)
    #expect(result.retried == 1 && result.batches == 1 && result.batchEntries == 2)
  }

  /// A peer that answers one batch after the other is not impatiently asked for the last.
  @Test func anAnswerStartsTheTimeAnew() throws {
    var options = SyncOptions()
    options.batchEntries = 1
    let (feed, patience) = (Values(sizes: [1, 1, 1]), options.retryNanoseconds)
    var engine = engine(options)
    for batch in batches(engine.drain(now: 1, reading: feed)) { engine.left(batch, isWhole: true, now: 1) }
    engine.acknowledged(Self.peer, acknowledge(1), now: patience)
    #expect(engine.tick(now: 2 * patience, reading: feed).retried == 0)
    #expect(engine.tick(now: 2 * patience + 1, reading: feed).retried == 1)
    // The second copies wait: nothing is due before they left, too.
    #expect(engine.tick(now: 9 * patience, reading: feed).retried == 0)
  }
}
