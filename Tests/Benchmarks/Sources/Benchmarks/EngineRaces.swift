import Benchmark
import Glibc
import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import Yardsticks

/// The sync engine and its messages, beside the feed that it reads and a copy of the bytes.
enum EngineRaces {
  static let entries = 20_000
  static let peers = 4
  static let messages = 100

  static var all: [Race] {
    [
      Race("engine tick", against: "reading the feed", in: "entries") {
        let store = try filled(entries)
        return ({ try drive(store) }, { Rate.of(entries * peers) { for _ in 0..<peers { readFeed(store) } } })
      },
      Race("codec", against: "memcpy of the messages", in: "changes") {
        let message = SyncMessage.changes(try changes())
        let bytes = message.encoded()
        var target = bytes
        return (
          {
            try Rate.of(256 * messages) {
              for _ in 0..<messages {
                let bytes = message.encoded()
                blackHole(try SyncMessage.decode(kind: message.kind, SharedBytes(bytes)))
              }
            }
          },
          {
            Rate.of(256 * messages) {
              for _ in 0..<messages {
                target.withUnsafeMutableBytes { to in bytes.withUnsafeBytes { to.copyMemory(from: $0) } }
                blackHole(target[0])
              }
            }
          }
        )
      },
    ]
  }

  private static func filled(_ count: Int) throws -> Store {
    let store = Store.inMemory(time: SystemTime(), random: SystemRandom())
    for number in 0..<count {
      let pair = Pair(number)
      let version = store.newVersion(basedOn: VersionVector(), author: AuthorTag(rawValue: 1))
      try store.commit([.put(key: StoreKey.value(pair.key), value: pair.value, version: version)])
    }
    return store
  }

  private static func readFeed(_ store: Store) {
    let feed = StoreFeed(store)
    var since: UInt64 = 0
    while true {
      let page = feed.page(of: .values, since: since, limit: 256)
      guard page.through > since else { return }
      since = page.through
    }
  }

  /// Everything goes to all peers, who acknowledge at once, with a tick after each round.
  private static func drive(_ store: Store) throws -> Rate {
    let feed = StoreFeed(store)
    let ids = (0..<peers).map { NodeID(bytes: [UInt8](repeating: UInt8($0 + 1), count: NodeID.byteCount))! }
    var engine = SyncEngine()
    for id in ids {
      engine.connect(id, replica: ReplicaID(rawValue: 99))
      engine.subscribed(id, .values, since: 0, watermark: VersionVector())
    }
    engine.changed(.values)
    var sent = 0
    let rate = Rate.of(entries * peers) {
      var now: UInt64 = 0
      while sent < entries * peers {
        now += 1_000_000
        _ = engine.tick(now: now, reading: feed)
        for case .send(let batch) in engine.drain(now: now, reading: feed) {
          sent += batch.items.count
          let ack = SyncMessage.Acknowledge(space: .values, known: batch.through, applied: batch.through)
          engine.acknowledged(batch.peer, ack, now: now)
        }
      }
    }
    guard sent == entries * peers else { throw YardstickError("the engine sent \(sent) entries") }
    return rate
  }

  private static func changes() throws -> SyncMessage.Changes {
    let replica = ReplicaID(rawValue: 7)
    let items = (1...256).map { number in
      let dot = Dot(replica: replica, counter: UInt64(number))
      let version = Version(
        vector: VersionVector(), dot: dot, stamp: HybridTimestamp(rawValue: UInt64(number) << 16),
        author: AuthorTag(rawValue: 1))
      let pair = Pair(number)
      return Change(sequence: UInt64(number), key: pair.key, version: version, flags: [], value: pair.value)
    }
    return SyncMessage.Changes(space: .values, after: 0, through: 256, watermark: nil, items: items)
  }
}
