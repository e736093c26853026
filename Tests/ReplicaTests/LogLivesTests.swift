import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraReplica

/// A cursor into a log that was rolled back.
@Suite struct LogLivesTests {
  @Test func aCursorHoldsWhereTheLogIsWhatItWas() {
    var lives = LogLives()
    lives.begin(1, first: 10)
    #expect(lives.hasKept(1_000_000, of: 1), "in the present life")
    lives.begin(2, first: 20)
    #expect(lives.hasKept(19, of: 1) && !lives.hasKept(20, of: 1) && lives.hasKept(25, of: 2))
    #expect(!lives.hasKept(5, of: 3), "of a life that is not known")
    // Its store is as it was during the first life: the second is not known to it, or is behind the end of the log.
    lives.begin(4, first: 15)
    #expect(lives.hasKept(14, of: 1) && !lives.hasKept(15, of: 1) && !lives.hasKept(20, of: 2))
  }

  @Test func theyAreKeptAndTheOldestForgotten() async throws {
    let store = try Store.open(
      disk: MemoryDisk(), options: StoreOptions(isMaintainedAutomatically: false), time: ManualTime(),
      random: SeededSource(seed: 1))
    #expect(LogLives.read(from: store).lives.isEmpty)
    var lives = LogLives()
    for life in 1...300 { lives.begin(UInt64(life), first: UInt64(life) * 10) }
    try await store.wait(try store.commit([lives.mutation]))
    let read = LogLives.read(from: store)
    #expect(read == lives && read.lives.count == 256)
    #expect(!read.hasKept(1, of: 44) && read.hasKept(450, of: 45) && !read.hasKept(460, of: 45))
  }

  /// A node that only received is restored from a backup: no counter was used twice, but its log has other things where
  /// its peer knows it already.
  @Test func whatARestoredReceiverWritesReachesItsPeer() async throws {
    let node = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
    let peer = NodeID(bytes: [UInt8](repeating: 2, count: NodeID.byteCount))!
    let store = try Store.open(
      disk: MemoryDisk(), options: StoreOptions(isMaintainedAutomatically: false), time: ManualTime(),
      random: SeededSource(seed: 1))
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let key = Array("key".utf8)
    let version = store.newVersion(basedOn: VersionVector(), author: node.tag)
    try await store.wait(try store.commit([.put(key: StoreKey.value(key), value: [1], version: version)]))
    _ = try await ReplicaStart.begin(store, node: node, nonce: 2)
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    var sent: [SyncEngine.Batch] = []
    replicator.install(
      Replicator.Hooks(
        enqueue: { _, outgoing in if case .batch(let batch, _) = outgoing { sent.append(batch) } }, groupChanged: {},
        accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: 1)
    func items(since: UInt64, nonce: UInt64) async -> Int {
      sent = []
      await replicator.receive(
        .subscribe(
          SyncMessage.Subscribe(
            space: .values, replica: store.replica, since: since, nonce: nonce, watermark: VersionVector())),
        from: peer)
      return sent.filter { $0.space == .values }.reduce(0) { $0 + $1.items.count }
    }
    let end = store.lastSequence
    #expect(await items(since: end, nonce: 2) == 0, "reached in this life")
    #expect(await items(since: end, nonce: 1) == 1, "reached in the life before, where its log ended earlier")
    #expect(await items(since: end, nonce: 7) == 1, "in a life that is gone")
  }

  @Test func theFirstBatchSaysWhereItsSenderBegins() throws {
    let peer = try #require(NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)))
    var engine = SyncEngine()
    engine.connect(peer, replica: ReplicaID(rawValue: 9))
    engine.subscribe(to: peer, .values, known: 500, applied: 0, hasOlderPending: false)
    func isTaken(_ after: UInt64, _ through: UInt64) -> Bool {
      engine.received(
        peer, SyncMessage.Changes(space: .values, after: after, through: through, watermark: nil, items: []))
    }
    #expect(isTaken(0, 300))
    engine.stored(peer, .values, through: 300, outstanding: [], watermark: nil)
    #expect(engine.incomingKnown(peer, .values) == 300)
    #expect(!isTaken(0, 200), "only the first")
    #expect(isTaken(300, 400))
  }
}
