internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// A member's watermark of one space, as it published it in the group's records: also for those whom it never meets.
///
/// Key: `g` `w`, the space's prefix, node ID (32). Value:
///
/// | field   | form   |
/// | ------- | ------ |
/// | format  | u8 = 1 |
/// | applied | vector |
public struct WatermarkRecord {
  static let keyMark = UInt8(ascii: "w")

  let node: NodeID
  let applied: VersionVector
  let sequence: UInt64

  /// Of the keys of all these records.
  public static let allPrefix = SpaceID.group.prefix + [keyMark]
  static func prefix(_ space: SpaceID) -> [UInt8] { allPrefix + space.prefix }
  static func storeKey(_ space: SpaceID, _ node: NodeID) -> [UInt8] { prefix(space) + node.bytes }

  static func encoded(_ applied: VersionVector) -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.vector(applied)
    return writer.bytes
  }

  /// Of all members that mirror the space. One that cannot be read covers nothing.
  static func all(of space: SpaceID, in store: Store) -> [WatermarkRecord] {
    let prefix = prefix(space)
    return store.list(prefix: prefix, limit: VersionVector.maxMembers).compactMap { key, summary in
      guard let node = NodeID(bytes: key[prefix.count...]), let entry = try? store.get(key) else { return nil }
      let applied = try? decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
        guard try reader.uint8() == 1 else { throw .invalid(what: "watermark record") }
        return try reader.vector()
      }
      return WatermarkRecord(node: node, applied: applied ?? VersionVector(), sequence: summary.sequence)
    }
  }
}
