internal import SoftadastraCore

// The log's format, version 1. Integers are little-endian. The same tables are in share/doc/log-format.md.
//
// A segment is a file `<first sequence, 16 hex digits>.wal`:
//
// | offset | bytes | field         | meaning                                                                |
// | ------ | ----- | ------------- | ---------------------------------------------------------------------- |
// | 0      | 8     | magic         | `SADAWAL1`                                                             |
// | 8      | 4     | flags         | bit 0: compacted; bit 1: recycled file                                 |
// | 12     | 4     | data offset   | where the first record lies; at least 56                               |
// | 16     | 8     | incarnation   | random for each use of a file                                          |
// | 24     | 8     | first         | the first sequence the segment is responsible for                      |
// | 32     | 8     | through       | compacted: the last such sequence; else 0                              |
// | 40     | 8     | reserved      | 0                                                                      |
// | 48     | 8     | checksum      | XXH3-64 of the bytes before                                            |
//
// Records follow one another without padding:
//
// | offset | bytes | field         | meaning                                                                |
// | ------ | ----- | ------------- | ---------------------------------------------------------------------- |
// | 0      | 8     | checksum      | XXH3-64 of everything after it, payload included                       |
// | 8      | 4     | length        | of the payload                                                         |
// | 12     | 4     | incarnation   | low half of the segment's                                              |
// | 16     | 8     | sequence      |                                                                        |
// | 24     | 8     | group         | the first sequence of its commit group                                 |
// | 32     | 1     | kind          | the owner's                                                            |
// | 33     | 1     | flags         | bit 0: the batch goes on with the next record                          |
// | 34     | 2     | reserved      | 0                                                                      |
// | 36     | n     | payload       |                                                                        |
//
// Kind 255 is the log's own: the end mark, an empty record with the next sequence, which a log writes behind its last
// record when it is closed, and overwrites with zeros when it is opened. It is a group of its own: with it, bad bytes
// in the last group are damage too.
//
// A group is what one sync made durable. Since group n+1 is written only after the sync of group n returned, a
// record whose group starts at g proves that every sequence below g had reached the disk: bytes missing there were
// lost later, which is damage, and not a write that a power cut interrupted.

/// The head of a segment.
struct SegmentHeader: Equatable {
  static let byteCount = 56
  static let magic: UInt64 = 0x314C_4157_4144_4153  // "SADAWAL1"
  static let compactedFlag: UInt32 = 1
  static let recycledFlag: UInt32 = 2

  var incarnation: UInt64
  var first: UInt64
  var through: UInt64 = 0
  var dataOffset = UInt32(SegmentHeader.byteCount)
  var isCompacted = false
  var isRecycled = false

  var mark: UInt32 { UInt32(truncatingIfNeeded: incarnation) }

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: Self.byteCount)
    writer.uint64(Self.magic)
    writer.uint32((isCompacted ? Self.compactedFlag : 0) | (isRecycled ? Self.recycledFlag : 0))
    writer.uint32(dataOffset)
    writer.uint64(incarnation)
    writer.uint64(first)
    writer.uint64(through)
    writer.uint64(0)
    writer.uint64(Checksum.xxh3(writer.bytes))
    return writer.bytes
  }

  /// Nil when the bytes are not what a checksum confirms.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount,
      bytes.loadLittle(UInt64.self, at: 0) == Self.magic,
      bytes.loadLittle(UInt64.self, at: 48)
        == Checksum.xxh3(UnsafeRawBufferPointer(rebasing: bytes[..<48]))
    else { return nil }
    let flags = bytes.loadLittle(UInt32.self, at: 8)
    self.init(
      incarnation: bytes.loadLittle(UInt64.self, at: 16), first: bytes.loadLittle(UInt64.self, at: 24),
      through: bytes.loadLittle(UInt64.self, at: 32), dataOffset: bytes.loadLittle(UInt32.self, at: 12),
      isCompacted: flags & Self.compactedFlag != 0, isRecycled: flags & Self.recycledFlag != 0)
    guard dataOffset >= UInt32(Self.byteCount), first > 0 else { return nil }
  }

  init(
    incarnation: UInt64, first: UInt64, through: UInt64 = 0, dataOffset: UInt32 = UInt32(SegmentHeader.byteCount),
    isCompacted: Bool = false, isRecycled: Bool = false
  ) {
    self.incarnation = incarnation
    self.first = first
    self.through = through
    self.dataOffset = dataOffset
    self.isCompacted = isCompacted
    self.isRecycled = isRecycled
  }
}

/// The head of a record.
struct RecordHeader: Equatable {
  static let byteCount = 36
  static let flagsOffset = 33
  static let continuesFlag: UInt8 = 1
  static let endMarkKind: UInt8 = 255

  var length: UInt32
  var mark: UInt32
  var sequence: UInt64
  var group: UInt64
  var kind: UInt8
  var flags: UInt8

  var continues: Bool { flags & Self.continuesFlag != 0 }
  var isEndMark: Bool { kind == Self.endMarkKind }
  var total: Int { Self.byteCount + Int(length) }

  /// Writes all but checksum, mark and group, which `seal` adds once the group is known.
  func write(to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: 0, as: UInt64.self)
    target.storeBytes(of: length.littleEndian, toByteOffset: 8, as: UInt32.self)
    target.storeBytes(of: mark.littleEndian, toByteOffset: 12, as: UInt32.self)
    target.storeBytes(of: sequence.littleEndian, toByteOffset: 16, as: UInt64.self)
    target.storeBytes(of: group.littleEndian, toByteOffset: 24, as: UInt64.self)
    target.storeBytes(of: kind, toByteOffset: 32, as: UInt8.self)
    target.storeBytes(of: flags, toByteOffset: Self.flagsOffset, as: UInt8.self)
    target.storeBytes(of: 0, toByteOffset: 34, as: UInt16.self)
  }

  /// Completes a record in place: its segment's mark, its group, and the checksum over everything.
  static func seal(_ record: UnsafeMutableRawPointer, total: Int, mark: UInt32, group: UInt64) {
    record.storeBytes(of: mark.littleEndian, toByteOffset: 12, as: UInt32.self)
    record.storeBytes(of: group.littleEndian, toByteOffset: 24, as: UInt64.self)
    let sum = Checksum.xxh3(UnsafeRawBufferPointer(start: record + 8, count: total - 8))
    record.storeBytes(of: sum.littleEndian, as: UInt64.self)
  }

  /// What a closed log ends with.
  static func endMark(sequence: UInt64, mark: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    let head = RecordHeader(length: 0, mark: mark, sequence: sequence, group: sequence, kind: endMarkKind, flags: 0)
    bytes.withUnsafeMutableBytes { bytes in
      head.write(to: bytes.baseAddress!)
      seal(bytes.baseAddress!, total: byteCount, mark: mark, group: sequence)
    }
    return bytes
  }

  /// The record at `offset`, if its bytes are there and its checksum holds. With a nil mark, any segment's, but none before
  /// the sequence `first`.
  static func parse(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, mark: UInt32?, from first: UInt64 = 1
  ) -> RecordHeader? {
    guard offset >= 0, bytes.count - offset >= byteCount else { return nil }
    // The mark first: it tells our records from zeros and from a recycled file's earlier ones without hashing.
    let found = bytes.loadLittle(UInt32.self, at: offset + 12)
    if let mark, found != mark { return nil }
    let length = bytes.loadLittle(UInt32.self, at: offset + 8)
    // What cannot be a head is not worth a checksum of all that it speaks of.
    guard Int(length) <= min(bytes.count - offset - byteCount, WriteAheadLog.maxPayloadBytes) else { return nil }
    let sequence = bytes.loadLittle(UInt64.self, at: offset + 16)
    guard sequence >= first, bytes.loadLittle(UInt64.self, at: offset + 24) <= sequence else { return nil }
    let sum = bytes.loadLittle(UInt64.self, at: offset)
    let end = offset + byteCount + Int(length)
    guard sum == Checksum.xxh3(UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<end])) else { return nil }
    return RecordHeader(ofSound: bytes, at: offset)
  }
}

extension RecordHeader {
  /// Of a record that was parsed before.
  init(ofSound bytes: UnsafeRawBufferPointer, at offset: Int) {
    length = bytes.loadLittle(UInt32.self, at: offset + 8)
    mark = bytes.loadLittle(UInt32.self, at: offset + 12)
    sequence = bytes.loadLittle(UInt64.self, at: offset + 16)
    group = bytes.loadLittle(UInt64.self, at: offset + 24)
    kind = bytes[offset + 32]
    flags = bytes[offset + Self.flagsOffset]
  }
}

extension UnsafeRawBufferPointer {
  /// The caller has checked the bounds.
  func loadLittle<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

/// Names of the log's files.
enum SegmentName {
  static let suffix = ".wal"
  static let freeSuffix = ".free"
  static let temporarySuffix = ".new"
  /// Of copies of damaged segments, kept for people to look at.
  static let damagedSuffix = ".damaged"

  static func of(_ first: UInt64) -> String { digits(first) + suffix }
  static func free(_ number: UInt64) -> String { digits(number) + freeSuffix }
  static func temporary(_ number: UInt64) -> String { digits(number) + temporarySuffix }

  /// Nil for a file that is no segment.
  static func first(_ name: String) -> UInt64? {
    guard name.hasSuffix(suffix), name.utf8.count == 16 + suffix.utf8.count else { return nil }
    return UInt64(name.dropLast(suffix.utf8.count), radix: 16)
  }

  private static func digits(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
