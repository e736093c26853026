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
/// The mark `H` space in the store says so: its value is empty, its tag 1 while nothing is claimed, and 0 afterwards. It
/// stays, so that its sequence tells of each change: what goes along with a batch is void if that is another one by the
/// time at which the entries are read.
struct WithheldWatermarks {
  private static let withheldTag: UInt64 = 1

  /// Where in the log a mark was taken back: until that is durable, the feed may end before what came back.
  private var releasedAt: [SpaceID: UInt64] = [:]

  static func mark(of space: SpaceID, in store: Store) -> UInt64? {
    store.summary(StoreKey.withheld(space))?.sequence
  }

  func contains(_ space: SpaceID, in store: Store) -> Bool {
    if let sequence = releasedAt[space], store.durableSequence < sequence { return true }
    return store.summary(StoreKey.withheld(space))?.tag == Self.withheldTag
  }

  /// Takes the mark back if everything is back; true then. Not if more is taken back meanwhile: that puts it anew.
  mutating func release(_ folder: FolderID, in store: Store) -> Bool {
    let space = SpaceID.folder(folder)
    let key = StoreKey.withheld(space)
    guard let mark = try? store.get(key), mark.tag == Self.withheldTag else { return false }
    guard store.list(prefix: StoreKey.remotePrefix(folder), limit: 1).isEmpty else { return false }
    let condition = CommitCondition(key: key, isStill: mark)
    // Where the log takes nothing it stays, and is taken back with a later tick.
    let free = Mutation.put(key: key, value: [], version: nil, tag: 0, flags: 0)
    guard let ticket = try? store.commit([free], ifAll: [condition]) else { return false }
    releasedAt[space] = ticket.sequences.upperBound
    return true
  }
}
