/// What a completed ticket promises.
public enum Durability: Sendable, Hashable {
  /// The records outlive a power cut: synced before the ticket completes.
  case durable
  /// They outlive the process: written, and synced in the background within a second.
  case fast
  /// Nothing: no disk at all.
  case memory
}

/// Who runs a log's writer.
public enum WriterMode: Sendable {
  /// A thread of its own.
  case thread
  /// Whoever `schedule` hands each step to, for simulations; a call that blocks runs the steps itself.
  case steps(schedule: @Sendable (_ step: @escaping @Sendable () -> Void) -> Void)
}

/// How a log is kept.
public struct WALOptions: Sendable {
  public static let defaultSegmentBytes = 16 << 20
  public static let minSegmentBytes = 4 << 10
  /// A segment is zero-filled ahead of its records in steps of this size, so that a sync of records changes no
  /// file size and a small store occupies little.
  public static let defaultFillBytes = 4 << 20
  /// Retired segments kept for reuse.
  public static let defaultRecycledSegments = 2

  public var durability: Durability
  /// A record larger than this still fits: its segment is then longer.
  public var segmentBytes: Int
  public var fillBytes: Int
  public var recycledSegments: Int
  /// Name of the lock file.
  public var lockName: String
  public var writer = WriterMode.thread

  public init(
    durability: Durability = .durable, segmentBytes: Int = WALOptions.defaultSegmentBytes,
    fillBytes: Int = WALOptions.defaultFillBytes, recycledSegments: Int = WALOptions.defaultRecycledSegments,
    lockName: String = "lock"
  ) {
    self.durability = durability
    self.segmentBytes = max(segmentBytes, Self.minSegmentBytes)
    self.fillBytes = max(fillBytes, 4096)
    self.recycledSegments = max(0, recycledSegments)
    self.lockName = lockName
  }
}
