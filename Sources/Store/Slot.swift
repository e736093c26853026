/// What the index keeps of an entry: 64 bytes, a line of the processor's cache. Its key lies in the arena, its value in the log.
struct Slot: BitwiseCopyable {
  static let deletedBit: UInt8 = 1
  static let noAmount = UInt64.max

  var sequence: UInt64
  var counter: UInt64
  var stamp: UInt64
  var tag: UInt64
  var key: UInt32
  /// Of the record in its segment.
  var offset: UInt32
  /// Of the record's payload.
  var length: UInt32
  var valueCount: UInt32
  /// One less than the key's length, which reaches from 1 to 65,536.
  var keyCountLessOne: UInt16
  /// Into the interned replicas; 0 for a local entry.
  var replica: UInt16
  var flags: UInt8
  var state: UInt8
  /// What the store's rule says of the value, for its sums.
  var amount = Slot.noAmount

  var keyCount: Int { Int(keyCountLessOne) + 1 }
  var isDeleted: Bool { state & Self.deletedBit != 0 }
}
