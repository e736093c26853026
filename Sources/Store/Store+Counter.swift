public import SoftadastraCore
internal import Synchronization

extension Store {
  /// The last counter of this replica that was given out; 0 before the first.
  public var counter: UInt64 { state.withLock { $0.counter } }

  /// The highest counter of a replica among the versions of the entries seen here; 0 if there is none. What a compaction
  /// dropped before the last opening does not count.
  public func highestCounter(of replica: ReplicaID) -> UInt64 { state.withLock { $0.highestCounter(of: replica) } }
}
