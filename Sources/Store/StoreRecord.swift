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
      let dot = try reader.dot()
      record.dot = dot
      record.stamp = HybridTimestamp(rawValue: try reader.uint64())
      _ = try reader.authorAndOrigin(of: dot)
      for _ in 0..<(try reader.count(limit: VersionVector.maxMembers, "version vector")) {
        let member = try reader.uint64()
        let counter = try reader.varint()
        if member == replica.rawValue { record.seen = counter }
      }
    }
    record.valueOffset = reader.offset
    return record
  }

  /// Whether this is a record of the key.
  static func hasKey(_ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer) -> Bool {
    var reader = ByteReader(payload)
    guard (try? reader.raw(headBytes)) != nil, (try? reader.varint()) == UInt64(key.count) else { return false }
    return UnsafeRawBufferPointer(rebasing: payload[reader.offset...]).hasPrefix(key)
  }

  static func tag(_ payload: [UInt8]) -> UInt64? {
    guard payload.count >= headBytes else { return nil }
    return payload.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt64.self)) }
  }

  /// State, flags and tag.
  private static let headBytes = 10

  /// The entry of a key whose record was kept in memory. With a nil tag, the record's own.
  static func entry(_ key: [UInt8], _ payload: UnsafeRawBufferPointer, sequence: UInt64, tag: UInt64?)
    throws(CodingError) -> Entry
  {
    var reader = ByteReader(payload)
    let state = try reader.uint8()
    let flags = try reader.uint8()
    let written = try reader.uint64()
    _ = try reader.raw(try reader.count(limit: Bounds.maxKeyBytes, "key"))
    let version = state & versionBit != 0 ? try reader.version() : nil
    return Entry(
      key: key, value: Array(try reader.raw(reader.remaining)), version: version, isDeleted: state & deletedBit != 0,
      sequence: sequence, tag: tag ?? written, flags: flags)
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
