internal import Glibc
internal import SoftadastraCore

// The payloads of the store's log records. One record is one mutation; a commit is one batch.
//
// | kind | record   | payload                                                                             |
// | ---- | -------- | ----------------------------------------------------------------------------------- |
// | 1    | entry    | state u8 (bit 0: deleted, bit 1: has a version), flags u8, tag u64, key byte string, version (see Core) if bit 1, value: the rest |
// | 2    | erase    | key: the rest                                                                       |
// | 3    | retag    | tag u64, key: the rest                                                              |
// | 4    | replica  | replica u64: from here on, this store's                                             |
// | 5    | counter  | counter varint, stamp u64: lower bounds of what was handed out                      |

enum RecordKind {
  static let entry: UInt8 = 1
  static let erase: UInt8 = 2
  static let retag: UInt8 = 3
  static let replica: UInt8 = 4
  static let counter: UInt8 = 5
}

/// The head of an entry record; the value is what follows it.
struct EntryRecord {
  static let deletedBit: UInt8 = 1
  static let versionBit: UInt8 = 2

  var isDeleted: Bool
  var flags: UInt8
  var tag: UInt64
  var key: UnsafeRawBufferPointer
  var dot: Dot?
  var stamp: HybridTimestamp
  /// The counter of the replica that was asked about, in the version's vector.
  var seen: UInt64
  var valueOffset: Int

  static func encode(
    key: [UInt8], value: [UInt8], version: Version?, isDeleted: Bool, tag: UInt64, flags: UInt8
  ) -> [UInt8] {
    var writer = ByteWriter(capacity: 64 + key.count + value.count + (version?.vector.dots.count ?? 0) * 18)
    writer.uint8((isDeleted ? deletedBit : 0) | (version == nil ? 0 : versionBit))
    writer.uint8(flags)
    writer.uint64(tag)
    writer.byteString(key)
    if let version { writer.version(version) }
    writer.raw(value)
    return writer.bytes
  }

  /// Reads the head without copying anything: a replay does this a million times.
  static func skim(_ payload: UnsafeRawBufferPointer, replica: ReplicaID) throws(CodingError) -> EntryRecord {
    var reader = ByteReader(payload)
    let state = try reader.uint8()
    guard state & ~(deletedBit | versionBit) == 0 else { throw .invalid(what: "entry state") }
    let flags = try reader.uint8()
    let tag = try reader.uint64()
    let key = try reader.raw(try reader.count(limit: Bounds.maxKeyBytes, "key"))
    guard !key.isEmpty else { throw .invalid(what: "empty key") }
    var record = EntryRecord(
      isDeleted: state & deletedBit != 0, flags: flags, tag: tag, key: key, dot: nil,
      stamp: HybridTimestamp(rawValue: 0), seen: 0, valueOffset: 0)
    if state & versionBit != 0 {
      record.dot = try reader.dot()
      record.stamp = HybridTimestamp(rawValue: try reader.uint64())
      _ = try reader.uint64()
      for _ in 0..<(try reader.count(limit: VersionVector.maxMembers, "version vector")) {
        let member = try reader.uint64()
        let counter = try reader.varint()
        if member == replica.rawValue { record.seen = counter }
      }
    }
    record.valueOffset = reader.offset
    return record
  }

  /// The entry of a record that was kept in memory since it was written or read: the slot has all but its version.
  static func entry(_ key: [UInt8], _ payload: [UInt8], _ slot: Slot) throws(CodingError) -> Entry {
    let valueOffset = payload.count - Int(slot.valueCount)
    guard valueOffset >= 0 else { throw .truncated }
    var version: Version?
    if slot.replica != 0 {
      version = try SoftadastraCore.decode(payload) { reader throws(CodingError) -> Version in
        _ = try reader.raw(10)
        _ = try reader.raw(try reader.count(limit: Bounds.maxKeyBytes, "key"))
        let version = try reader.version()
        _ = try reader.raw(reader.remaining)
        return version
      }
    }
    return Entry(
      key: key, value: Array(payload[valueOffset...]), version: version, isDeleted: slot.isDeleted,
      sequence: slot.sequence, tag: slot.tag, flags: slot.flags)
  }

  /// The whole entry. `sequence` and `tag` are the index's: a retag leaves the record as it was.
  static func decode(_ payload: [UInt8], sequence: UInt64, tag: UInt64) throws(CodingError) -> Entry {
    try SoftadastraCore.decode(payload) { reader throws(CodingError) -> Entry in
      let state = try reader.uint8()
      let flags = try reader.uint8()
      _ = try reader.uint64()
      let key = try reader.byteString(limit: Bounds.maxKeyBytes, "key")
      let version = state & versionBit != 0 ? try reader.version() : nil
      let value = Array(try reader.raw(reader.remaining))
      return Entry(
        key: key, value: value, version: version, isDeleted: state & deletedBit != 0, sequence: sequence, tag: tag,
        flags: flags)
    }
  }
}

extension UnsafeRawBufferPointer {
  func hasPrefix(_ prefix: UnsafeRawBufferPointer) -> Bool {
    count >= prefix.count && (prefix.isEmpty || memcmp(baseAddress!, prefix.baseAddress!, prefix.count) == 0)
  }
}
