public import SoftadastraWAL

/// How a store keeps its data.
public struct StoreOptions: Sendable {
  public static let defaultCacheBytes = 32 << 20
  public static let defaultCompactionFloorBytes: UInt64 = 32 << 20

  public var durability: Durability
  /// Size at which the log starts another segment.
  public var segmentBytes: Int
  /// For values of at most 4 KiB.
  public var cacheBytes: Int
  /// Compacts in the background when superseded bytes exceed live ones, at rest a quarter of them, and this.
  public var compactionFloorBytes: UInt64
  /// Off for tests and tools that decide themselves when to compact and checkpoint.
  public var isMaintainedAutomatically: Bool
  public var writer = WriterMode.thread
  /// Always the same for one directory.
  public var sums: SumRule?

  public init(
    durability: Durability = .durable, segmentBytes: Int = WALOptions.defaultSegmentBytes,
    cacheBytes: Int = StoreOptions.defaultCacheBytes,
    compactionFloorBytes: UInt64 = StoreOptions.defaultCompactionFloorBytes, isMaintainedAutomatically: Bool = true,
    sums: SumRule? = nil
  ) {
    self.durability = durability
    self.segmentBytes = segmentBytes
    self.cacheBytes = cacheBytes
    self.compactionFloorBytes = compactionFloorBytes
    self.isMaintainedAutomatically = isMaintainedAutomatically
    self.sums = sums
  }
}

/// What a commit was given; wait for it to learn that it is as durable as promised.
public struct CommitTicket: Sendable, Hashable {
  /// One for each mutation of the batch.
  public let sequences: ClosedRange<UInt64>

  public init(sequences: ClosedRange<UInt64>) { self.sequences = sequences }
}

/// The log behind a store, for reports.
public struct StoreLogInfo: Sendable, Hashable {
  /// Empty for a store in memory.
  public var path: String
  public var segments: Int
  public var bytes: UInt64
  public var lastSequence: UInt64
  /// Places where the log was found damaged at opening, as lines for people.
  public var damage: [String]
  /// What was cut at opening, as a line for people: a write that a crash interrupted.
  public var tornTail: String?

  public init(
    path: String, segments: Int, bytes: UInt64, lastSequence: UInt64, damage: [String] = [], tornTail: String? = nil
  ) {
    self.path = path
    self.segments = segments
    self.bytes = bytes
    self.lastSequence = lastSequence
    self.damage = damage
    self.tornTail = tornTail
  }
}
