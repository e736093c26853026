public import SoftadastraCore

/// What can be asked of the engine, for `status`, `sync status` and `wait`.
extension SyncEngine {
  public struct OutgoingState: Sendable, Hashable {
    public let known: UInt64
    public let applied: UInt64
    public let sent: UInt64
    public let peerWatermark: VersionVector
  }

  public var connectedPeers: [NodeID] { peers.keys.sorted() }
  public func subscriptions(of peer: NodeID) -> [SpaceID] { peers[peer].map { Array($0.outgoing.keys) } ?? [] }

  public func outgoing(_ peer: NodeID, _ space: SpaceID) -> OutgoingState? {
    peers[peer]?.outgoing[space].map {
      OutgoingState(known: $0.known, applied: $0.applied, sent: $0.sent, peerWatermark: $0.peerWatermark)
    }
  }

  public func incomingApplied(_ peer: NodeID, _ space: SpaceID) -> UInt64? { peers[peer]?.incoming[space]?.applied }
  public func incomingKnown(_ peer: NodeID, _ space: SpaceID) -> UInt64? { peers[peer]?.incoming[space]?.known }

  /// The feed entries that a peer has not applied, oldest first. Cost: what is pending, at most `limit`.
  public func pending(
    for peer: NodeID, _ space: SpaceID, limit: Int, reading feed: some ChangeFeed
  ) -> [FeedPage.Item] {
    guard let replica = peers[peer]?.replica, let outgoing = peers[peer]?.outgoing[space] else { return [] }
    var found: [FeedPage.Item] = []
    var since = outgoing.applied
    while found.count < limit {
      let page = feed.page(of: space, since: since, limit: 1024)
      guard page.through > since else { break }
      found += page.items.filter { !StoreKey.isMove($0.key) && outgoing.lacks($0, peerReplica: replica) }
      since = page.through
    }
    return Array(found.prefix(limit))
  }

  public func counts(reading feed: some ChangeFeed) -> SyncCounts {
    var counts = SyncCounts()
    for (id, peer) in peers {
      for (space, outgoing) in peer.outgoing {
        counts.outbox += pending(for: id, space, limit: .max, reading: feed).count
        counts.inFlight += outgoing.inFlight.reduce(0) { $0 + $1.entries }
        counts.acknowledged += outgoing.acknowledgedEntries
        counts.retries += outgoing.retries
      }
    }
    counts.queued = max(0, counts.outbox - counts.inFlight)
    return counts
  }
}
