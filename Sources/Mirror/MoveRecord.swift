public import SoftadastraCore

/// A rename as it travels: (from, to) under one dot, and a digest of what was moved.
///
/// It is a hint. Every entry it concerns follows it in the feed under the same dot: tombstones below `from`, the same
/// values below `to`. A receiver whose own tree has the digest renames once, writes the same entries by itself, and
/// tells the sender to leave them out; any other says so and gets them one by one. Dropping a record is always safe.
public struct MoveRecord: Sendable, Hashable {
  public var from: BytePath
  public var to: BytePath
  /// Over relative path and dot of every live entry at and below `from`, in path order, before the move.
  public var digest: ContentHash
  public var count: UInt64

  public init(from: BytePath, to: BytePath, digest: ContentHash, count: UInt64) {
    self.from = from
    self.to = to
    self.digest = digest
    self.count = count
  }
}

// | field  | form             |
// | ------ | ---------------- |
// | format | u8 = 1           |
// | from   | path byte string |
// | to     | path byte string |
// | digest | u64 u64          |
// | count  | varint           |

extension MoveRecord {
  private static let format: UInt8 = 1

  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.format)
    writer.byteString(from.bytes)
    writer.byteString(to.bytes)
    writer.contentHash(digest)
    writer.varint(count)
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      guard try reader.uint8() == Self.format else { throw .invalid(what: "move record format") }
      let record = MoveRecord(
        from: try BytePath(validating: try reader.byteString(limit: BytePath.maxBytes, "path")),
        to: try BytePath(validating: try reader.byteString(limit: BytePath.maxBytes, "path")),
        digest: try reader.contentHash(), count: try reader.varint())
      guard !record.from.isWithin(record.to), !record.to.isWithin(record.from) else {
        throw .invalid(what: "move into itself")
      }
      return record
    }
  }
}
