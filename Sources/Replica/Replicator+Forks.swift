public import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
public import SoftadastraSync

/// Noticing that the history of a replica has forked, on both sides, before anything is merged.
extension Replicator {
  /// What is known here of the replica of a peer that said hello: sent back as `recognised`.
  public nonisolated(nonsending) func recognition(of replica: ReplicaID) async -> SyncMessage.Recognition {
    var counter = store.highestCounter(of: replica)
    for space in spaces { counter = max(counter, watermarkRecord(space).applied[replica]) }
    for mirror in Array(folders.values) { counter = max(counter, await mirror.highestPendingCounter(of: replica)) }
    return SyncMessage.Recognition(
      replica: replica, counter: counter, history: StartRecord.history(of: replica, in: store))
  }

  /// The first counter that the peer's life shares with another one that is known here: it must not be listened to.
  public static func fork(
    of hello: SyncMessage.Hello, given recognition: SyncMessage.Recognition
  ) -> UInt64? {
    let life = StartHistory([StartHistory.Start(nonce: hello.startNonce, nextCounter: hello.nextCounter)])
    return life.fork(against: recognition.history, seen: recognition.counter)
  }

  /// The first counter of our own replica that another life of it used: this node must take a new one.
  public func ownFork(given recognition: SyncMessage.Recognition) -> UInt64? {
    guard recognition.replica == store.replica else { return nil }
    return StartRecord.history(of: store.replica, in: store)
      .fork(against: recognition.history, seen: recognition.counter)
  }
}
