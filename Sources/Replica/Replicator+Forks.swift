public import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
public import SoftadastraSync

/// Noticing that the history of a replica has forked, on both sides, before anything is merged.
extension Replicator {
  private static let forkPatienceNanoseconds: UInt64 = 2_000_000_000

  /// What is known here of the replica of a peer that said hello: sent back as `recognised`.
  public nonisolated(nonsending) func recognition(of replica: ReplicaID) async -> SyncMessage.Recognition {
    var counter = store.highestCounter(of: replica)
    for space in spaces { counter = max(counter, watermarkRecord(space).applied[replica]) }
    for mirror in Array(folders.values) { counter = max(counter, await mirror.highestPendingCounter(of: replica)) }
    return SyncMessage.Recognition(
      replica: replica, counter: counter, history: StartRecord.history(of: replica, in: store))
  }

  /// What a peer's hello is answered with, and whether its history has forked: then nothing of it may be merged.
  ///
  /// A start record may still be on its way, over another member, when a version of that life is here already: what
  /// looks like a fork is looked at again after two seconds. Of two members that speak for one replica at the same time,
  /// one is a copy of the other, whatever either has written by then: the later one is asked to take a new replica.
  public nonisolated(nonsending) func recognise(
    _ hello: SyncMessage.Hello, from peer: NodeID
  ) async -> (answer: SyncMessage.Recognition, isForked: Bool) {
    var answer = await recognition(of: hello.replica)
    if Self.fork(of: hello, given: answer) != nil {
      await time.sleep(nanoseconds: Self.forkPatienceNanoseconds)
      answer = await recognition(of: hello.replica)
    }
    if peers.contains(where: { $0.key != peer && $0.value.replica == hello.replica }) {
      answer.counter = max(answer.counter, hello.nextCounter)
      return (answer, true)
    }
    return (answer, Self.fork(of: hello, given: answer) != nil)
  }

  /// The first counter that the peer's life shares with another one that is known here: it must not be listened to.
  static func fork(
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
