internal import Synchronization

extension Store {
  /// The last counter of this replica that was given out; 0 before the first.
  public var counter: UInt64 { state.withLock { $0.counter } }
}
