internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// What a node remembers of feeds: how far it knows those of others, and how far others have applied its own.
extension Replicator {
  func cursor(_ replica: ReplicaID, _ space: SpaceID) -> FeedCursor {
    guard let entry = try? store.get(StoreKey.cursor(replica, space)) else { return FeedCursor() }
    return (try? decode(entry.value) { (r: inout ByteReader) throws(CodingError) in try FeedCursor(from: &r) })
      ?? FeedCursor()
  }

  func cursorMutation(_ peer: Peer, _ space: SpaceID, _ known: UInt64) -> Mutation {
    var writer = ByteWriter(capacity: 18)
    FeedCursor(known: known, nonce: peer.nonce).encode(into: &writer)
    return .put(key: StoreKey.cursor(peer.replica, space), value: writer.bytes, version: nil)
  }

  func watermarkRecord(_ space: SpaceID) -> Watermark {
    guard let entry = try? store.get(StoreKey.watermark(space)) else { return Watermark() }
    return (try? decode(entry.value) { (r: inout ByteReader) throws(CodingError) in try r.watermark() }) ?? Watermark()
  }

  func watermarkMutation(_ space: SpaceID, _ watermark: Watermark) -> Mutation {
    var writer = ByteWriter()
    writer.watermark(watermark)
    return .put(key: StoreKey.watermark(space), value: writer.bytes, version: nil)
  }

  func ownWatermark(_ space: SpaceID) -> Watermark { watermark(space, ownCounter: feed.ownCounter(of: space)) }

  /// What this node claims to have; nothing while it is withheld.
  func watermark(_ space: SpaceID, ownCounter: UInt64) -> Watermark {
    guard !withheld.contains(space, in: store) else { return Watermark() }
    var watermark = watermarkRecord(space)
    watermark.applied.add(Dot(replica: store.replica, counter: ownCounter))
    return watermark
  }

  func mergeWatermark(_ space: SpaceID, _ other: Watermark) {
    var watermark = watermarkRecord(space)
    guard !watermark.covers(other) else { return }
    watermark.merge(other)
    // A watermark that is lost in a crash is earned again: nobody waits for the disk.
    _ = try? store.commit([watermarkMutation(space, watermark)])
  }

  /// What peers have applied, for `status` while they are away. Lost in a crash it shows more as pending than is.
  public func rememberPeers() {
    var mutations: [Mutation] = []
    for (peer, state) in peers where !state.applied.isEmpty {
      for (space, applied) in state.applied {
        mutations.append(
          AwayPeer(node: peer, store: store).mutation(
            space,
            AwayPeer.Memory(
              applied: applied, replica: state.replica,
              watermark: engine.outgoing(peer, space)?.peerWatermark ?? VersionVector())))
      }
      peers[peer]?.applied.removeAll()
    }
    if !mutations.isEmpty { _ = try? store.commit(mutations) }
  }
}
