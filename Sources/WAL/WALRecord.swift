/// Where a record lies: enough to read it back.
///
/// The segment is not named: it is the one responsible for the sequence, which stays true when a segment is given
/// up after a failed sync, because its records keep their offsets in the one that replaces it.
public struct WALPosition: Sendable, Hashable {
  public var sequence: UInt64
  /// Of the record's head within its segment.
  public var offset: UInt32
  /// Of the payload.
  public var length: UInt32

  public init(sequence: UInt64, offset: UInt32, length: UInt32) {
    self.sequence = sequence
    self.offset = offset
    self.length = length
  }
}

/// One record, lent during a replay call.
public struct WALRecord {
  public let sequence: UInt64
  public let kind: UInt8
  public let position: WALPosition
  /// Valid only until the call returns.
  public let payload: UnsafeRawBufferPointer
}

/// What `enqueue` assigned.
public struct WALTicket: Sendable, Hashable {
  public let sequences: ClosedRange<UInt64>
  public let positions: [WALPosition]
}

/// Bytes of a log that had been durable and are not readable any more.
public struct WALDamage: Sendable, Hashable, CustomStringConvertible {
  /// The file's name.
  public var segment: String
  public var offset: UInt64
  /// How many bytes could not be read as records.
  public var byteCount: UInt64
  /// The sequences lost with them, where they are known.
  public var missing: ClosedRange<UInt64>?

  public var description: String {
    let lost = missing.map { ", sequences \($0.lowerBound) to \($0.upperBound) are missing" } ?? ""
    return "\(segment): \(byteCount) damaged bytes at offset \(offset)\(lost)"
  }

  /// Whatever was there: the disk does not give it.
  static func badSpot(in segment: String) -> WALDamage {
    WALDamage(segment: segment, offset: 0, byteCount: 0, missing: nil)
  }
}

/// The incomplete group at the end of a log that was cut: never acknowledged to anybody.
public struct WALTornTail: Sendable, Hashable, CustomStringConvertible {
  public var segment: String
  public var offset: UInt64
  public var byteCount: UInt64

  public var description: String { "\(segment): \(byteCount) bytes of an incomplete end at offset \(offset)" }
}

/// What a look through the whole log found.
public struct WALReport: Sendable, Hashable {
  public var segments = 0
  public var records: UInt64 = 0
  /// Of whole records.
  public var bytes: UInt64 = 0
  public var lastSequence: UInt64 = 0
  public var tornTail: WALTornTail?
  public var damage: [WALDamage] = []
  /// Files with damaged segments as they were, kept aside when they were mended.
  public var setAside: [String] = []

  public init() {}
}

/// A segment's identity: a checkpoint holds while the segments it speaks of are still in this use.
public struct WALSegmentInfo: Sendable, Hashable {
  public var first: UInt64
  public var incarnation: UInt64

  public init(first: UInt64, incarnation: UInt64) {
    self.first = first
    self.incarnation = incarnation
  }
}
