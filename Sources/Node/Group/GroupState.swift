internal import SoftadastraCore

/// The group this node is in: its name on the wire and its secrets. Kept in the store under a local key.
///
/// | field          | form       |
/// | -------------- | ---------- |
/// | format         | u8 = 1     |
/// | group          | u64 u64    |
/// | hash secret    | 32 bytes   |
/// | discovery key  | 32 bytes   |
struct GroupState: Sendable, Hashable {
  var id: GroupID
  /// Keys the content hash; belongs to the group for life.
  var hashSecret: [UInt8]
  var discoveryKey: [UInt8]

  static func create(random: some RandomSource) -> GroupState {
    GroupState(
      id: GroupID(high: random.next(), low: random.next()), hashSecret: random.bytes(ContentHasher.secretBytes),
      discoveryKey: random.bytes(32))
  }

  func encode(into writer: inout ByteWriter) {
    writer.uint8(1)
    id.encode(into: &writer)
    writer.raw(hashSecret)
    writer.raw(discoveryKey)
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    encode(into: &writer)
    return writer.bytes
  }

  /// As a setting of this node.
  init(setting bytes: [UInt8]) throws(SoftadastraError) {
    do {
      self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in try GroupState(from: &reader) }
    } catch {
      throw SoftadastraError(.damaged, "group state", why: "\(error)", hint: "run softadastra wal verify", fatal: true)
    }
  }

  init(id: GroupID, hashSecret: [UInt8], discoveryKey: [UInt8]) {
    self.id = id
    self.hashSecret = hashSecret
    self.discoveryKey = discoveryKey
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    try reader.expectFormat(1)
    id = try GroupID(from: &reader)
    hashSecret = Array(try reader.raw(32))
    discoveryKey = Array(try reader.raw(32))
  }
}

extension GroupID {
  func encode(into writer: inout ByteWriter) {
    writer.uint64(high)
    writer.uint64(low)
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    self.init(high: try reader.uint64(), low: try reader.uint64())
  }
}
