public import SoftadastraCore
public import SoftadastraStore
public import SoftadastraSync

/// What is remembered of a member that is not connected: how far it had applied each space of ours.
///
/// | field     | form   |
/// | --------- | ------ |
/// | applied   | varint |
/// | replica   | u64    |
/// | watermark | vector |
public struct AwayPeer {
  private let node: NodeID
  private let store: Store

  public init(node: NodeID, store: Store) {
    self.node = node
    self.store = store
  }

  public struct Memory: Sendable, Hashable {
    public var applied: UInt64
    /// The peer's own changes are no news to it.
    public var replica: ReplicaID
    public var watermark: VersionVector

    public init(applied: UInt64, replica: ReplicaID, watermark: VersionVector) {
      self.applied = applied
      self.replica = replica
      self.watermark = watermark
    }

    public func lacks(_ item: FeedPage.Item) -> Bool {
      if StoreKey.isMove(item.key) { return false }
      return item.isConflictCopy || (item.dot.replica != replica && !watermark.covers(item.dot))
    }
  }

  public func memory(of space: SpaceID) -> Memory? {
    guard let entry = try? store.get(StoreKey.appliedBy(node, space)) else { return nil }
    return try? decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
      Memory(
        applied: try reader.varint(), replica: ReplicaID(rawValue: try reader.uint64()), watermark: try reader.vector())
    }
  }

  public func mutation(_ space: SpaceID, _ memory: Memory) -> Mutation {
    var writer = ByteWriter()
    writer.varint(memory.applied)
    writer.uint64(memory.replica.rawValue)
    writer.vector(memory.watermark)
    return .put(key: StoreKey.appliedBy(node, space), value: writer.bytes, version: nil)
  }
}
