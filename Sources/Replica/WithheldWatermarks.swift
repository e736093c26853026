internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// Which folders claim nothing for now, since entries were taken back from their synced tree.
///
/// `NewPlace` moves entries to the remote tree whose files are not there any more. So they leave the feed, and come back
/// to it when they are applied: under versions that the watermark covers. Whoever heard that claim in between, and had
/// not been sent them before, would never be: neither by this node nor by others that believe the claim. So nothing is
/// claimed from the commit that takes the first one back until the remote tree is empty. What was claimed before is
/// true again then.
///
/// The mark `H` space in the store says so; its value is empty.
struct WithheldWatermarks {
  /// Where in the log the mark was removed: until that is durable, so may be what came back before.
  private var releasedAt: [SpaceID: UInt64] = [:]

  func contains(_ space: SpaceID, in store: Store) -> Bool {
    if let sequence = releasedAt[space], store.durableSequence < sequence { return true }
    return store.summary(StoreKey.withheld(space)) != nil
  }

  /// Removes the mark if all is back. Not if more is taken back meanwhile: that puts it anew.
  mutating func release(_ folder: FolderID, in store: Store) {
    let space = SpaceID.folder(folder)
    let key = StoreKey.withheld(space)
    guard let mark = try? store.get(key) else { return }
    guard store.list(prefix: StoreKey.remotePrefix(folder), limit: 1).isEmpty else { return }
    let condition = CommitCondition(key: key, isStill: mark)
    // Where the log takes nothing it stays, and is removed with a later tick.
    guard let ticket = try? store.commit([.erase(key: key)], ifAll: [condition]) else { return }
    releasedAt[space] = ticket.sequences.upperBound
  }
}
