public import SoftadastraCore
public import SoftadastraStore
internal import SoftadastraSync

/// One start of a replica: what a node does before its first version, and what its hellos tell of it.
///
/// Every life of a node calls `begin` once after it opened its store and before anything else writes versions. It heals
/// a fork that is known of, then writes the start record. A node that learns of a fork later ends its sessions and
/// folders, and calls `begin` again with the counter.
public struct ReplicaStart: Sendable, Hashable {
  public var nonce: UInt64
  /// The first counter that this life may hand out.
  public var nextCounter: UInt64

  public init(nonce: UInt64, nextCounter: UInt64) {
    self.nonce = nonce
    self.nextCounter = nextCounter
  }

  /// Durable when it returns.
  ///
  /// - Parameters:
  ///   - isCopy: the store lies elsewhere than it recorded (`StorePlace`): it was copied or restored, and the original
  ///     may go on. The caller records the new place afterwards.
  ///   - fork: the first counter that another life used as well.
  public static func begin(
    _ store: Store, node: NodeID, nonce: UInt64, isCopy: Bool = false, fork: UInt64? = nil
  ) async throws(SoftadastraError) -> ReplicaStart {
    var mark = try ForkMark.read(from: store)
    if let pending = mark, pending.replica != store.replica {
      // An interrupted healing, which has its new replica already.
      _ = try await record(store, node, nonce)
      try await ForkHealing(store: store, mark: pending, author: node.tag).run()
      mark = nil
    }
    if isCopy || fork != nil {
      let counter = fork ?? store.counter + 1
      let new = ForkMark(replica: store.replica, counter: max(1, min(counter, mark?.counter ?? counter)))
      try await store.wait(try store.commit([new.mutation]))
      mark = new
    }
    guard let mark else { return try await record(store, node, nonce) }
    _ = try store.resetReplica()
    let start = try await record(store, node, nonce)
    try await ForkHealing(store: store, mark: mark, author: node.tag).run()
    return start
  }

  private static func record(_ store: Store, _ node: NodeID, _ nonce: UInt64) async throws(SoftadastraError)
    -> ReplicaStart
  {
    let key = StartRecord.storeKey(store.replica)
    let old = try store.get(key)
    var record = StartRecord(node: node, history: StartRecord.history(of: store.replica, in: store))
    let version = store.newVersion(basedOn: old?.version?.vector ?? VersionVector(), author: node.tag)
    record.history.begin(StartHistory.Start(nonce: nonce, nextCounter: version.dot.counter))
    var lives = LogLives.read(from: store)
    lives.begin(nonce, first: store.lastSequence + 1)
    try await store.wait(try store.commit([.put(key: key, value: record.encoded(), version: version), lives.mutation]))
    return ReplicaStart(nonce: nonce, nextCounter: version.dot.counter)
  }
}
