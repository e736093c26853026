public import SoftadastraCore

/// Which tombstones of one space may be forgotten: a pure rule over watermarks.
///
/// A tombstone goes when everybody who might still hold what it deleted is known to have it: this node, the members that
/// are connected, and every subscribed member by the watermark that it published last. *Having it* means to cover the
/// tombstone's whole vector, so that no older version of the name can arrive any more and find nothing that has seen it.
///
/// A member that stays away is waited for as long as `patience` says. That is no question of safety: whoever returns
/// later is asked what it has (`Watermark.mayHaveForgotten`). So clocks may be wrong.
public struct TombstoneCollection: Sendable {
  /// A connected member, with what it said it has applied. Its own changes it knows.
  public struct Present: Sendable {
    public var replica: ReplicaID
    public var applied: VersionVector
    public init(replica: ReplicaID, applied: VersionVector) {
      self.replica = replica
      self.applied = applied
    }
  }

  /// This node's own, with its own changes.
  public var own: VersionVector
  public var present: [Present]
  /// As every other subscribed member published it.
  public var published: [NodeID: VersionVector]
  public var patienceMilliseconds: UInt64
  public var nowMilliseconds: UInt64

  public init(
    own: VersionVector, present: [Present], published: [NodeID: VersionVector], patienceMilliseconds: UInt64,
    nowMilliseconds: UInt64
  ) {
    self.own = own
    self.present = present
    self.published = published
    self.patienceMilliseconds = patienceMilliseconds
    self.nowMilliseconds = nowMilliseconds
  }

  public func mayGo(_ tombstone: Version) -> Bool {
    let seen = tombstone.vector
    guard own.covers(seen),
      present.allSatisfy({ peer in
        seen.dots.allSatisfy { $0.replica == peer.replica || peer.applied.covers($0) }
      })
    else { return false }
    return isOverdue(tombstone) || published.values.allSatisfy { $0.covers(seen) }
  }

  private func isOverdue(_ tombstone: Version) -> Bool {
    let made = tombstone.stamp.milliseconds
    return nowMilliseconds >= made && nowMilliseconds - made >= patienceMilliseconds
  }

  /// Whether publishing the own watermark helps others to forget: some tombstone that is left is covered by it, and not
  /// by what was published last.
  public static func isWorthPublishing(
    _ own: VersionVector, over published: VersionVector?, outstanding: VersionVector
  ) -> Bool {
    guard let published else { return true }
    return outstanding.dots.contains { !published.covers($0) && own.covers($0) }
  }
}
