internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// A member returns after deletions that it never heard of were forgotten.
///
/// Its subscription shows that: its watermark does not cover what was collected here. Before it gets anything, it is
/// asked what it has of all that is known here (`survey`). It lists names and versions (`inventory`), and hears which of
/// them are not here any more (`gone`): they were deleted. It deletes them in its turn, by a version of its own, so that
/// whoever it meets later learns it too; files go to the archive, and what was edited there meanwhile stays.
extension Replicator {
  /// A commit of deleted values ends behind the one with which it reaches this.
  private static let droppedBytes = 64 << 20

  /// True if the peer was asked, and gets its feed later.
  func surveys(_ peer: NodeID, _ request: SyncMessage.Subscribe) -> Bool {
    guard request.space != .group, let replica = peers[peer]?.replica else { return false }
    let watermark = watermarkRecord(request.space)
    guard watermark.mayHaveForgotten(what: request.watermark, by: replica) else { return false }
    // What is missing in a damaged store was not deleted, nor what is on its way back into the synced tree.
    guard store.log.damage.isEmpty, !withheld.contains(request.space, in: store) else { return false }
    // Being asked already, it gets its feed when it has said all.
    guard peers[peer]?.surveyed.insert(request.space).inserted == true else { return true }
    hooks.enqueue(peer, .message(.survey(request.space, watermark.applied)))
    return true
  }

  // MARK: As the one that returns

  func surveyed(_ peer: NodeID, _ space: SpaceID, _ known: VersionVector) {
    // It has been told that the folder is not mirrored here any more.
    if case .folder(let id) = space, folders[id] == nil { return }
    let doubtful = claims[space, default: ClaimLedger(of: space)].asked(by: peer, known: known)
    peers[peer]?.inventories[space] = doubtful.map(Inventory.init(listing:)) ?? Inventory(of: space, known: known)
    sendInventory(of: space, to: peer)
  }

  private func sendInventory(of space: SpaceID, to peer: NodeID) {
    guard let (items, isLast) = peers[peer]?.inventories[space]?.next(in: store) else { return }
    hooks.enqueue(peer, .message(.inventory(space, items, isLast: isLast)))
  }

  nonisolated(nonsending) func gone(
    _ peer: NodeID, _ space: SpaceID, _ items: [SyncMessage.InventoryItem], isLast: Bool
  ) async {
    let session = peers[peer]?.session
    let mirror = mirror(of: space)
    do throws(SoftadastraError) {
      let count: Int
      if case .folder = space {
        guard let mirror else { return }
        count = items.isEmpty ? 0 : try await mirror.deletedElsewhere(items)
      } else {
        count = try await dropValues(items)
      }
      if count > 0 { hooks.deletedWhileAway(space, count) }
    } catch {
      // Told again when the peer asks again. It is waiting for the rest.
      if peers[peer]?.session == session { claims[space]?.surveyFailed(of: peer) }
      hooks.failed(peer, error)
      if let mirror, mirror === self.mirror(of: space), error.code == .closed {
        stoppedFolders.insert(mirror.folder)
        peers[peer]?.inventories[space] = nil
        guard !isLast, peers[peer]?.session == session else { return }
        return hooks.enqueue(peer, .message(.inventory(space, [], isLast: true)))
      }
    }
    // A new session has an inventory of its own.
    guard peers[peer]?.session == session else { return }
    guard isLast else { return sendInventory(of: space, to: peer) }
    peers[peer]?.inventories[space] = nil
    claims[space]?.answered(by: peer)
    if let claim = claims[space]?.kept(of: peer) { takeOver(claim, of: peer, in: space) }
  }

  func mirror(of space: SpaceID) -> FolderMirror? {
    if case .folder(let id) = space { folders[id] } else { nil }
  }

  /// Values have no archive: they stay restorable as if they had lost a conflict.
  private nonisolated(nonsending) func dropValues(
    _ items: [SyncMessage.InventoryItem]
  ) async throws(SoftadastraError) -> Int {
    var rest = items[...]
    var count = 0
    while !rest.isEmpty {
      var conditions: [CommitCondition] = []
      let ticket = try store.inOrder { () throws(SoftadastraError) -> CommitTicket? in
        var mutations: [Mutation] = []
        var bytes = 0
        while bytes < Self.droppedBytes, let item = rest.popFirst() {
          let key = StoreKey.value(item.key)
          guard let entry = try store.get(key), !entry.isDeleted, let version = entry.version, version.dot == item.dot
          else { continue }
          conditions.append(CommitCondition(key: key, isStill: entry))
          mutations.append(
            .put(key: StoreKey.lost(item.key, item.dot), value: entry.value, version: nil, tag: version.stamp.rawValue))
          mutations.append(.delete(key: key, version: store.newVersion(basedOn: version.vector, author: author)))
          bytes += entry.value.count
        }
        return mutations.isEmpty ? nil : try store.commit(mutations, ifAll: conditions)
      }
      if let ticket { try await store.wait(ticket) }
      count += conditions.count
    }
    return count
  }

  // MARK: As the one that asked

  func inventory(_ peer: NodeID, _ space: SpaceID, _ items: [SyncMessage.InventoryItem], isLast: Bool) {
    guard peers[peer]?.surveyed.contains(space) == true else { return }
    let applied = watermarkRecord(space).applied
    let gone = items.filter { applied.covers($0.dot) && isForgotten($0, in: space) }
    hooks.enqueue(peer, .message(.gone(space, gone, isLast: isLast)))
    guard isLast else { return }
    peers[peer]?.surveyed.remove(space)
    if let request = peers[peer]?.wanted[space] { serve(peer, request) }
  }

  /// Also where the name was given anew since: what is there has not seen what the peer has.
  private func isForgotten(_ item: SyncMessage.InventoryItem, in space: SpaceID) -> Bool {
    let key = space.prefix + item.key
    guard let summary = store.summary(key) else { return isForgotten(item.key, in: space) }
    guard summary.dot != item.dot, let version = (try? store.get(key))?.version else { return false }
    if case .folder(let folder) = space, let path = StoreKey.path(ofFileKey: key), isPending(folder, path) {
      return false
    }
    // It may have come back between the looks.
    return !version.vector.covers(item.dot) && store.summary(key)?.sequence == summary.sequence
  }

  /// Nothing of that name is here, and nothing waits to be.
  private func isForgotten(_ key: [UInt8], in space: SpaceID) -> Bool {
    guard store.summary(space.prefix + key) == nil else { return false }
    guard case .folder(let folder) = space else { return true }
    guard let path = StoreKey.path(ofFileKey: space.prefix + key) else { return false }
    // It may have come back between the looks.
    return !isPending(folder, path) && store.summary(space.prefix + key) == nil
  }

  /// Changes that tell of something whose deletion is forgotten here are left out: they were under way when it was
  /// deleted.
  func withoutForgotten(_ changes: [Change], in space: SpaceID) -> [Change] {
    guard changes.contains(where: { !$0.isDeleted }) else { return changes }
    let watermark = watermarkRecord(space)
    guard !watermark.collected.isEmpty else { return changes }
    return changes.filter { change in
      change.isDeleted || change.flags.contains(.conflictCopy) || change.flags.contains(.move)
        || !watermark.applied.covers(change.version.dot) || !isForgotten(change.key, in: space)
    }
  }
}
