public import SoftadastraCore
internal import SoftadastraWAL
internal import Synchronization

extension Store {
  /// A version for a local edit of something whose last version had `vector`.
  ///
  /// Its dot is used by nobody else. Several mutations of one batch may carry it: a directory's move.
  public func newVersion(basedOn vector: VersionVector, author: AuthorTag, origin: Dot? = nil) -> Version {
    state.withLock { state in
      state.counter += 1
      let stamp = state.clock.next(wallMilliseconds: time.wallMilliseconds())
      return Version(
        vector: vector, dot: Dot(replica: state.replica, counter: state.counter), stamp: stamp, author: author,
        origin: origin)
    }
  }

  /// One draws versions and commits what carries them before the next does.
  ///
  /// Whoever reads the feed of a space takes the highest counter for the end of what was committed: of several that write
  /// to the same space, a later counter must not be in the log before an earlier one. The closure must not suspend.
  public func inOrder<R: Sendable>(
    _ drawAndCommit: () throws(SoftadastraError) -> R
  ) throws(SoftadastraError) -> R {
    try drawing.withLock { _ throws(SoftadastraError) in try drawAndCommit() }
  }

  /// Later stamps will not lie behind this one.
  public func observe(_ stamp: HybridTimestamp) { state.withLock { $0.clock.observe(stamp) } }

  /// Draws a new replica ID, durably: for forks, and for leaving one group for another. Blocks.
  @discardableResult
  public func resetReplica() throws(SoftadastraError) -> ReplicaID {
    try setReplica(ReplicaID(rawValue: random.next()))
  }

  /// Sets the replica ID, durably, and starts its counter anew. Blocks. Never an ID that was used before.
  @discardableResult
  public func setReplica(_ replica: ReplicaID) throws(SoftadastraError) -> ReplicaID {
    var writer = ByteWriter()
    writer.uint64(replica.rawValue)
    try waitBlocking(append([(RecordKind.replica, writer.bytes)], wakesWriter: false))
    return replica
  }

  /// Records what was handed out, so that a compaction may drop the entries that show it.
  func recordCounter() throws(SoftadastraError) {
    let (counter, stamp) = state.withLock { ($0.counter, $0.clock.last) }
    var writer = ByteWriter()
    writer.varint(counter)
    writer.uint64(stamp.rawValue)
    try waitBlocking(append([(RecordKind.counter, writer.bytes)], wakesWriter: false))
  }
}
