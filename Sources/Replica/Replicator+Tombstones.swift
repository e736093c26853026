internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// Forgetting deletions that everybody knows, and telling others how far this node has come.
///
/// Looks only when something may have changed: new tombstones, or news of others while there are tombstones left. A group
/// at rest without tombstones says and does nothing.
extension Replicator {
  /// What the last look at a space left.
  struct Tombstones {
    /// The store's newest tombstone, the newest published watermark and this node's own, at the last look.
    var seen: UInt64 = 0
    var records: UInt64 = 0
    var ownRecord: UInt64 = 0
    var lookedAt: UInt64?
    /// As this node had applied it then.
    var own = VersionVector()
    /// What a watermark must cover for all that are left to go; empty if none is left.
    var outstanding = VersionVector()
    /// What others want to know of this node: the vectors of all tombstones that were seen, also of those gone since.
    var unpublished = VersionVector()
    /// When this life last published, or began.
    var publishedAt: UInt64?
  }

  /// Whether members have been away for too long is looked at about so often, or as often as a shorter patience asks.
  private static let overdueNanoseconds: UInt64 = 3_600_000_000_000
  /// What this node has applied is published about so often although nothing here asks for it: others may remember a
  /// deletion that never came here, or came before what its vector has taken in since.
  private static let publishingNanoseconds: UInt64 = 3_600_000_000_000
  /// Under constant work a look is taken all the same.
  private static let busyNanoseconds: UInt64 = 600_000_000_000
  private static let commitSize = 256

  /// With each tick. Cheap when there is nothing to do.
  func collectTombstones(isQuiet: Bool) {
    let now = time.monotonicNanoseconds()
    for space in spaces where space != .group && !withheld.contains(space, in: store) {
      var state = tombstones[space] ?? Tombstones()
      let records = WatermarkRecord.all(of: space, in: store)
      if isDue(space, state, records, isQuiet: isQuiet, now: now) {
        state.seen = store.lastTombstoneSequence
        state.records = records.map(\.sequence).max() ?? 0
        state.ownRecord = ownRecord(space)
        state.lookedAt = now
        look(at: space, records, &state)
      }
      if isQuiet, state.lookedAt != nil { publish(space, records.first { $0.node == node }?.applied, &state, now: now) }
      tombstones[space] = state
    }
    if isQuiet { for space in spaces { engine.tellWatermark(of: space, ownWatermark(space).applied) } }
  }

  private var overdueNanoseconds: UInt64 {
    let patience = tombstonePatienceMilliseconds.multipliedReportingOverflow(by: 1_000_000)
    return patience.overflow ? Self.overdueNanoseconds : min(patience.partialValue, Self.overdueNanoseconds)
  }

  private func ownRecord(_ space: SpaceID) -> UInt64 { store.summary(StoreKey.watermark(space))?.sequence ?? 0 }

  private func isDue(
    _ space: SpaceID, _ state: Tombstones, _ records: [WatermarkRecord], isQuiet: Bool, now: UInt64
  ) -> Bool {
    guard let lookedAt = state.lookedAt else { return isQuiet }
    guard isQuiet || now - lookedAt >= Self.busyNanoseconds else { return false }
    if store.lastTombstoneSequence > state.seen { return true }
    if !state.own.covers(state.unpublished), ownRecord(space) > state.ownRecord { return true }
    guard !state.outstanding.isEmpty else { return false }
    return (records.map(\.sequence).max() ?? 0) > state.records || now - lookedAt >= overdueNanoseconds
  }

  /// Forgets what may go; notes what this node has applied, and what is left to be covered.
  private func look(at space: SpaceID, _ records: [WatermarkRecord], _ state: inout Tombstones) {
    var all: [(key: [UInt8], summary: EntrySummary)] = []
    var own = ownWatermark(space).applied
    var after: [UInt8]?
    repeat {
      let page = store.tombstones(prefix: space.prefix, after: after)
      all += page.entries
      if page.ownCounter > 0 { own.add(Dot(replica: store.replica, counter: page.ownCounter)) }
      after = page.next
    } while after != nil
    let entries = all.compactMap { key, summary -> Entry? in
      guard isForgettable(key, summary, space), let entry = try? store.get(key), entry.isDeleted else { return nil }
      return entry
    }
    // A version of this node that lost before it was read from the feed is known by who has seen it.
    for entry in entries {
      let counter = entry.version?.vector[store.replica] ?? 0
      if counter > 0 { own.add(Dot(replica: store.replica, counter: counter)) }
    }
    state.own = own
    state.outstanding = VersionVector()
    let rule = TombstoneCollection(
      own: own, present: present(in: space, records),
      published: Dictionary(records.filter { $0.node != node }.map { ($0.node, $0.applied) }, uniquingKeysWith: { $1 }),
      patienceMilliseconds: tombstonePatienceMilliseconds,
      nowMilliseconds: UInt64(max(0, time.wallMilliseconds())))
    var going: [Entry] = []
    for entry in entries {
      guard let version = entry.version else { continue }
      state.unpublished.merge(version.vector)
      if rule.mayGo(version) { going.append(entry) } else { state.outstanding.merge(version.vector) }
    }
    for start in stride(from: 0, to: going.count, by: Self.commitSize) {
      forget(going[start..<min(start + Self.commitSize, going.count)], in: space, own)
    }
  }

  /// Conflict copies bear dots of other names, of which a watermark says nothing; and a directory that its tombstone
  /// shows as nobody's edit is still on the disk.
  private func isForgettable(_ key: [UInt8], _ summary: EntrySummary, _ space: SpaceID) -> Bool {
    guard case .folder(let folder) = space else { return true }
    guard let path = StoreKey.path(ofFileKey: key), summary.tag == 0, summary.flags == 0,
      !ConflictName.isConflictCopy(path)
    else { return false }
    return !isPending(folder, path)
  }

  func isPending(_ folder: FolderID, _ path: BytePath) -> Bool {
    !store.list(prefix: StoreKey.remote(folder, path) + [0], limit: 1).isEmpty
  }

  /// What connected members said themselves, or published since.
  private func present(in space: SpaceID, _ records: [WatermarkRecord]) -> [TombstoneCollection.Present] {
    peers.compactMap { node, peer in
      guard let request = peer.wanted[space] else { return nil }
      var applied = engine.outgoing(node, space)?.peerWatermark ?? request.watermark
      if let record = records.first(where: { $0.node == node }) { applied.merge(record.applied) }
      return TombstoneCollection.Present(replica: peer.replica, applied: applied)
    }
  }

  /// All of it, or none: what changed meanwhile is looked at again.
  private func forget(_ entries: ArraySlice<Entry>, in space: SpaceID, _ own: VersionVector) {
    var watermark = watermarkRecord(space)
    watermark.applied.merge(own)
    for entry in entries { if let dot = entry.version?.dot { watermark.collected.add(dot) } }
    let mutations = entries.map { Mutation.erase(key: $0.key) } + [watermarkMutation(space, watermark)]
    guard (try? store.commit(mutations, ifAll: entries.map { CommitCondition(key: $0.key, isStill: $0) })) != nil else {
      return
    }
    forgotten += entries.count
  }

  /// Only at rest: a counter that was given out and is not committed yet must not be claimed. A folder that only sends
  /// takes in nothing of others: nobody waits for it.
  private func publish(
    _ space: SpaceID, _ published: VersionVector?, _ state: inout Tombstones, now: UInt64
  ) {
    if case .folder(let id) = space, folders[id]?.configuration.mode == .sendOnly { return }
    let since = state.publishedAt ?? now
    state.publishedAt = since
    let isOverdue = now - since >= Self.publishingNanoseconds
    if isOverdue { state.own.merge(ownWatermark(space).applied) }
    let isNews = isOverdue && !(published?.covers(state.own) ?? false)
    if isNews || TombstoneCollection.isWorthPublishing(state.own, over: published, outstanding: state.unpublished) {
      state.publishedAt = now
      put(space, state.own)
    } else if published?.covers(state.unpublished) == true {
      state.unpublished = VersionVector()
    }
  }

  private func put(_ space: SpaceID, _ applied: VersionVector) {
    let key = WatermarkRecord.storeKey(space, node)
    let seen = (try? store.get(key))?.version?.vector ?? VersionVector()
    let version = store.newVersion(basedOn: seen, author: author)
    _ = try? store.commit([.put(key: key, value: WatermarkRecord.encoded(applied), version: version)])
  }

  /// Before anything is taken in: the others know from the start that this node is to be waited for.
  func announceWatermark(_ space: SpaceID) {
    if case .folder(let id) = space, folders[id]?.configuration.mode == .sendOnly { return }
    let record = store.summary(WatermarkRecord.storeKey(space, node))
    guard record?.isDeleted ?? true else { return }
    put(space, VersionVector())
  }

  /// The folder is not mirrored here any more: nobody is to wait for this node.
  func withdrawWatermark(_ space: SpaceID) {
    let key = WatermarkRecord.storeKey(space, node)
    guard let old = try? store.get(key), !old.isDeleted else { return }
    let version = store.newVersion(basedOn: old.version?.vector ?? VersionVector(), author: author)
    _ = try? store.commit([.delete(key: key, version: version)])
  }
}
