/// The engine's limits. Times in nanoseconds of the monotonic clock.
public struct SyncOptions: Sendable {
  /// Feed entries in one batch.
  public var batchEntries = 256
  /// Bytes of their values in one batch, as the store holds them; one entry may exceed it alone. A batch is read as a
  /// whole before it travels.
  public var batchBytes = 4 << 20
  /// Feed entries sent and not yet known at the peer. Bounds what a slow peer makes this node hold ready.
  public var windowEntries = 4096
  /// The same for batches, however small.
  public var windowBatches = 256
  /// After so many sequences that do not concern a peer, it is told that they do not.
  public var skipsWorthTelling: UInt64 = 16_384
  /// A batch unanswered for this long, since it left or since an earlier one was answered, is sent again; doubled at each
  /// attempt up to `maxRetryNanoseconds`.
  public var retryNanoseconds: UInt64 = 20_000_000_000
  public var maxRetryNanoseconds: UInt64 = 300_000_000_000

  public init() {}
}

/// What one `tick` did.
public struct TickResult: Sendable, Hashable {
  /// Batches whose time ran out and that are sent again.
  public var retried = 0
  /// Records of moves and batches that are done with.
  public var pruned = 0
  public var batches = 0
  public var batchEntries = 0
  public init() {}
}

/// Where operations stand, over all peers: `sync status`.
public struct SyncCounts: Sendable, Hashable {
  /// Feed entries that some subscribed peer has not applied yet.
  public var outbox = 0
  /// Of those, not sent yet.
  public var queued = 0
  public var inFlight = 0
  public var acknowledged = 0
  public var failed = 0
  public var retries = 0
  public init() {}
}
