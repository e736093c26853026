public import SoftadastraCore
public import SoftadastraStore
public import SoftadastraSync

/// The starts of one replica as the group keeps them: written before the first version of each life.
///
/// | field  | form                                                      |
/// | ------ | --------------------------------------------------------- |
/// | format | u8 = 1                                                    |
/// | node   | 32 bytes                                                  |
/// | starts | count varint (<= 64), nonce u64 and next counter varint each |
public struct StartRecord: Sendable, Hashable {
  public static let keyMark = UInt8(ascii: "s")

  public var node: NodeID
  public var history: StartHistory

  public init(node: NodeID, history: StartHistory) {
    self.node = node
    self.history = history
  }

  public static func storeKey(_ replica: ReplicaID) -> [UInt8] {
    SpaceID.group.prefix + [keyMark] + withUnsafeBytes(of: replica.rawValue.bigEndian) { Array($0) }
  }

  public static func replica(ofKey key: [UInt8]) -> ReplicaID? {
    guard key.count == 10, key[1] == keyMark else { return nil }
    return ReplicaID(rawValue: key[2...].reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// What the store knows of a replica's starts; nothing if that cannot be read.
  public static func history(of replica: ReplicaID, in store: Store) -> StartHistory {
    guard let entry = try? store.get(storeKey(replica)), !entry.isDeleted,
      let record = try? StartRecord(decoding: entry.value)
    else { return StartHistory() }
    return record.history
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.raw(node.bytes)
    writer.starts(history)
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      guard try reader.uint8() == 1 else { throw .invalid(what: "record format") }
      guard let node = NodeID(bytes: try reader.raw(NodeID.byteCount)) else { throw .invalid(what: "node ID") }
      return StartRecord(node: node, history: try reader.starts())
    }
  }
}
