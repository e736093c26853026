import SoftadastraCore
import SoftadastraStore
import SoftadastraSync

/// The engine without a network: a local change is queued for a peer until the peer acknowledges it.
@main
struct SyncLocalOperation {
  static func main() throws {
    let store = Store.inMemory(time: SystemTime(), random: SystemRandom())
    let feed = StoreFeed(store)
    guard let peer = NodeID(bytes: [UInt8](repeating: 7, count: NodeID.byteCount)) else { fatalError("bad ID") }
    var engine = SyncEngine()
    engine.connect(peer, replica: ReplicaID(rawValue: 42))
    engine.subscribed(peer, .values, since: 0, watermark: VersionVector())

    let version = store.newVersion(basedOn: VersionVector(), author: AuthorTag(rawValue: 1))
    try store.commit([.put(key: StoreKey.value(Array("k".utf8)), value: [1], version: version)])
    engine.changed(.values)
    for output in engine.drain(now: 0, reading: feed) {
      guard case .send(let batch) = output else { continue }
      print("to send:", batch.items.count, "entry through sequence", batch.through)
      let ack = SyncMessage.Acknowledge(space: .values, known: batch.through, applied: batch.through)
      engine.left(batch, isWhole: true, now: 1)
      engine.acknowledged(peer, ack, now: 2)
    }
    let counts = engine.counts(reading: feed)
    precondition(counts.outbox == 0 && counts.acknowledged == 1)
    print("outbox:", counts.outbox, "acknowledged:", counts.acknowledged)
  }
}
