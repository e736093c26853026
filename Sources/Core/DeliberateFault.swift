/// Mistakes that the simulator must find: one is switched on at a time, in the simulator's build only.
///
/// `SOFTADASTRA_FAULTS` is set in builds with SOFTADASTRA_ENGINE_ONLY=1. Everywhere else `isOn` is the constant false,
/// and the compiler leaves out what hangs on it: the shipped program has no such switch.
@frozen public enum DeliberateFault: Sendable {
  // Log and store
  /// Peers are told of changes that the log has not made durable.
  case sentBeforeDurable
  /// Counters that were given out before a restart are given out again.
  case counterReused
  /// The cursor into a peer's feed moves before what it covers is durable.
  case cursorBeforeChanges
  /// A tombstone goes as soon as it is applied.
  case tombstoneDropped

  // Versions
  /// Every node lets its own version win.
  case tieBrokenLocally
  /// An edit does not take over what the version before it had seen.
  case vectorNotMerged
  /// A deletion beats a concurrent edit if it is later.
  case deletionBeatsEdit
  /// A survivor with the earlier stamp keeps its version.
  case renewalLeftOut
  /// A version that comes late is applied over one that has seen it.
  case oldVersionTaken

  // Observing
  /// After lost events nothing is compared.
  case overflowIgnored
  /// What changed while the node was off is not looked for.
  case startScanLeftOut
  /// What the node wrote itself is recorded as somebody's change.
  case echoRecorded

  // Applying
  /// What lies at the path is not compared with what was expected, before and after the exchange.
  case lookAgainLeftOut
  /// The loser of a conflict gets no copy.
  case copyLeftOut
  /// A directory's deletion takes what is in it.
  case childrenDeleted
  /// A rename is carried out on a tree that is not the one its author moved.
  case moveUnchecked
  /// Mode and time are set before the content is written.
  case attributesBeforeContent
  /// What was fetched and is not wanted any more stays in the staging area.
  case stagingKept
  /// After a crash, known changes that were not applied are forgotten.
  case intentsForgotten
  /// Directories that lived only for what was in them stay.
  case emptiedParentsKept

  // Peers
  /// Requests to a peer that has gone are not put to others.
  case deadSessionKept
  /// A peer's watermark counts before what it covers is applied.
  case watermarkTooEarly

  #if SOFTADASTRA_FAULTS
    /// The one that is on. Set before anything runs, by a program with one thread.
    public nonisolated(unsafe) static var current: DeliberateFault?
    public var isOn: Bool { self == Self.current }
  #else
    @inlinable @inline(__always) public var isOn: Bool { false }
  #endif
}

#if SOFTADASTRA_FAULTS
  extension DeliberateFault: CaseIterable {}
#endif
