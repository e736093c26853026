public import SoftadastraCore

/// One key's current state, with its value.
///
/// A tombstone is an entry too: `isDeleted`, and a value if its writer gave one.
public struct Entry: Sendable, Hashable {
  /// 1 byte to 64 KiB.
  public var key: [UInt8]
  /// At most 8 MiB.
  public var value: [UInt8]
  /// Nil for keys that are local to this node and never replicated: cursors, intents, settings.
  public var version: Version?
  public var isDeleted: Bool
  /// The position in this store's feed. Grows with every put and delete, over all keys.
  public var sequence: UInt64
  /// 64 bits of the owner's.
  public var tag: UInt64
  /// Eight bits of the owner's.
  public var flags: UInt8

  public init(
    key: [UInt8], value: [UInt8], version: Version?, isDeleted: Bool, sequence: UInt64, tag: UInt64 = 0,
    flags: UInt8 = 0
  ) {
    self.key = key
    self.value = value
    self.version = version
    self.isDeleted = isDeleted
    self.sequence = sequence
    self.tag = tag
    self.flags = flags
  }

  public var summary: EntrySummary {
    EntrySummary(
      sequence: sequence, dot: version?.dot, stamp: version?.stamp ?? HybridTimestamp(rawValue: 0),
      isDeleted: isDeleted, tag: tag, flags: flags, valueCount: value.count)
  }
}

/// What the index knows of an entry without reading the log.
public struct EntrySummary: Sendable, Hashable {
  public var sequence: UInt64
  /// Nil for a local key.
  public var dot: Dot?
  /// Zero for a local key.
  public var stamp: HybridTimestamp
  public var isDeleted: Bool
  public var tag: UInt64
  public var flags: UInt8
  /// Bytes of the value.
  public var valueCount: Int

  public init(
    sequence: UInt64, dot: Dot?, stamp: HybridTimestamp, isDeleted: Bool, tag: UInt64, flags: UInt8, valueCount: Int
  ) {
    self.sequence = sequence
    self.dot = dot
    self.stamp = stamp
    self.isDeleted = isDeleted
    self.tag = tag
    self.flags = flags
    self.valueCount = valueCount
  }
}
