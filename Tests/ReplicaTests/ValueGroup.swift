import SoftadastraCore
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import TestSupport

/// Some replicators over stores in memory, in one thread: the key-value space only, over connections that a test makes
/// and cuts.
final class ValueGroup {
  final class Node {
    let index: Int
    let id: NodeID
    let store: Store
    let replicator: Replicator
    /// What it says to each other node, in order.
    var outbox: [Int: [Replicator.Outgoing]] = [:]
    var deletedWhileAway = 0

    init(_ index: Int, seed: UInt64, time: any TimeSource) {
      self.index = index
      id = NodeID(bytes: [UInt8](repeating: UInt8(index + 1), count: NodeID.byteCount))!
      store = Store.inMemory(time: time, random: SeededSource(seed: seed &* 100 &+ UInt64(index)))
      replicator = Replicator(store: store, node: id, time: time)
    }
  }

  let nodes: [Node]
  let time = ManualTime()
  private var links: Set<[Int]> = []
  private var sessions: UInt64 = 0

  init(_ count: Int, seed: UInt64, patienceMilliseconds: UInt64) {
    let time = self.time
    nodes = (0..<count).map { Node($0, seed: seed, time: time) }
    for node in nodes {
      node.replicator.tombstonePatienceMilliseconds = patienceMilliseconds
      node.replicator.install(
        Replicator.Hooks(
          enqueue: { [unowned self, unowned node] peer, outgoing in
            guard let to = nodes.firstIndex(where: { $0.id == peer }) else { return }
            node.outbox[to, default: []].append(outgoing)
          }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
      node.replicator.hooks.deletedWhileAway = { [unowned node] in node.deletedWhileAway += $1 }
    }
  }

  // MARK: Connections

  func connect(_ a: Int, _ b: Int) async {
    guard links.insert([min(a, b), max(a, b)]).inserted else { return }
    for (x, y) in [(a, b), (b, a)] {
      sessions += 1
      await nodes[x].replicator.connected(
        nodes[y].id, replica: nodes[y].store.replica, nonce: 0, session: sessions)
    }
  }

  func cut(_ a: Int, _ b: Int) {
    guard links.remove([min(a, b), max(a, b)]) != nil else { return }
    for (x, y) in [(a, b), (b, a)] {
      nodes[x].outbox[y] = nil
      nodes[x].replicator.disconnected(nodes[y].id)
    }
  }

  func cutAll() { for link in links { cut(link[0], link[1]) } }

  /// One thing that some node said arrives. False if nothing is under way.
  func deliverOne(_ choose: (Int) -> Int) async -> Bool {
    for node in nodes { node.replicator.storeChanged() }
    let waiting = nodes.flatMap { node in
      node.outbox.filter { !$0.value.isEmpty }.keys.sorted().map { (node, $0) }
    }
    guard !waiting.isEmpty else { return false }
    let (from, to) = waiting[choose(waiting.count)]
    let item = from.outbox[to]!.removeFirst()
    var messages: [SyncMessage] = []
    switch item {
    case .message(let message): messages = [message]
    case .batch(let batch, let claim):
      let encoded = await OutgoingChanges(store: from.store).encoded(batch, claim: claim, mirror: nil)
      messages = encoded.messages.map { .changes($0) }
      from.replicator.left(batch, isWhole: encoded.isWhole)
    }
    for message in messages {
      // As on a wire.
      let bytes = message.encoded()
      guard let copy = try? SyncMessage.decode(kind: message.kind, SharedBytes(bytes)) else { continue }
      await nodes[to].replicator.receive(copy, from: from.id)
    }
    return true
  }

  func tick() {
    time.advance(milliseconds: 5000)
    for node in nodes { _ = node.replicator.tick() }
  }

  /// Until nothing is said any more, also not after some time.
  func settle() async {
    var quiet = 0
    while quiet < 6 {
      var isQuiet = true
      while await deliverOne({ _ in 0 }) { isQuiet = false }
      quiet = isQuiet ? quiet + 1 : 0
      tick()
    }
  }

  // MARK: Values

  func put(_ node: Int, _ key: String, _ value: String) throws {
    let store = nodes[node].store
    let seen = try store.get(StoreKey.value(Array(key.utf8)))?.version?.vector ?? VersionVector()
    let version = store.newVersion(basedOn: seen, author: nodes[node].id.tag)
    try store.commit([.put(key: StoreKey.value(Array(key.utf8)), value: Array(value.utf8), version: version)])
  }

  func remove(_ node: Int, _ key: String) throws {
    let store = nodes[node].store
    guard let old = try store.get(StoreKey.value(Array(key.utf8))), !old.isDeleted else { return }
    let version = store.newVersion(basedOn: old.version?.vector ?? VersionVector(), author: nodes[node].id.tag)
    try store.commit([.delete(key: StoreKey.value(Array(key.utf8)), version: version)])
  }

  func value(_ node: Int, _ key: String) -> String? {
    guard let entry = try? nodes[node].store.get(StoreKey.value(Array(key.utf8))), !entry.isDeleted else { return nil }
    return String(decoding: entry.value, as: UTF8.self)
  }

  func values(_ node: Int) -> [String: String] { contents(node, SpaceID.values.prefix) }

  /// What was kept against a deletion, under a new version.
  func carriedOn(_ node: Int) -> Set<String> {
    let store = nodes[node].store
    let entries = store.list(prefix: SpaceID.values.prefix, limit: 10_000).compactMap { try? store.get($0.key) }
    return Set(
      entries.filter { $0.version?.origin != $0.version?.dot }.map { String(decoding: $0.value, as: UTF8.self) })
  }

  /// What lost a conflict, or was deleted while the node was away: still there to be restored.
  func restorable(_ node: Int) -> Set<String> { Set(contents(node, [Namespace.lost]).values) }

  private func contents(_ node: Int, _ prefix: [UInt8]) -> [String: String] {
    let store = nodes[node].store
    var found: [String: String] = [:]
    for (key, _) in store.list(prefix: prefix, limit: 10_000) {
      guard let entry = try? store.get(key) else { continue }
      found[BytePath.escape(key.dropFirst())] = String(decoding: entry.value, as: UTF8.self)
    }
    return found
  }

  func tombstones(_ node: Int) -> Int {
    nodes[node].store.list(prefix: SpaceID.values.prefix, limit: 10_000, includeDeleted: true)
      .count { $0.summary.isDeleted }
  }
}
