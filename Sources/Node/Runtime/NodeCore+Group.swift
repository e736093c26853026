internal import Logging
internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraDiscovery
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraTransport

/// The group's records, and leaving one group for another.
extension NodeCore {
  /// Members are signed by somebody who is one; nothing else in the group space needs a signature beyond the link's.
  func isAcceptable(_ change: Change) -> Bool {
    guard change.key.first == MemberRecord.keyMark else { return true }
    guard !change.isDeleted, let record = try? MemberRecord(decoding: change.value),
      MemberRecord.storeKey(record.node) == SpaceID.group.prefix + change.key
    else { return false }
    let signerKey = record.signer == record.node ? record.publicKey : view.members[record.signer]?.publicKey
    guard let signerKey else { return true }
    return record.isSigned(in: group.id, signerKey: signerKey)
  }

  func groupChanged() {
    view = GroupView(store)
    updateDialTargets()
    updateDiscoveryKeys()
    // Connections of those who have just become members.
    for peer in Set(links.values.map(\.identity.nodeID)) where members[peer] == nil { useOpenLinks(to: peer) }
    for waiter in groupWaiters { waiter.resume() }
    groupWaiters.removeAll()
  }

  // MARK: Leaving one group for another

  /// Takes over the new group's secrets and records; what this node had becomes new local creations in it.
  func changeGroup(to new: GroupState, records: [Change]) async throws(SoftadastraError) {
    // Entered before, by a join that a crash cut off behind its last commit.
    guard new.id != group.id else {
      try await replicator.apply(records, in: .group, cursor: nil)
      view = GroupView(store)
      return
    }
    for folder in folders.values { await folder.stop() }
    folders.removeAll()
    let change = GroupChange(store: store)
    let settings = NodeSettings(store: store)
    try await change.begin(
      from: group.id, to: new, taking: settings.folders().map { ($0.id, view.folders[$0.id] ?? "") })
    try await untilDone { () async throws(SoftadastraError) in try await change.finish(to: new) }
    replicator.reset()
    group = new
    view = GroupView(store)
    discovery?.updateKey(new.discoveryKey)
    try await replicator.apply(records, in: .group, cursor: nil)
    life = try await ReplicaStart.begin(store, node: nodeID, nonce: startNonce)
    try await KeptValues(store: store, author: author).putAnew()
    try await recordTakenFolders()
    view = GroupView(store)
    for folder in settings.folders() { await resume(folder) }
  }

  /// Half of it is no state to go on with: a full disk is waited for. A log that takes nothing any more ends the node, and
  /// the next start goes on.
  private func untilDone(_ step: () async throws(SoftadastraError) -> Void) async throws(SoftadastraError) {
    while true {
      do throws(SoftadastraError) { return try await step() } catch {
        guard !isStopping, store.logFailure == nil else { throw error }
        logger.warning("the change of the group waits: \(error)")
        try? await Task.sleep(for: Self.changePause)
      }
    }
  }

  private static let changePause = Duration.seconds(2)

  /// The new group hears of the folders that this node brings along.
  func recordTakenFolders() async throws(SoftadastraError) {
    let change = GroupChange(store: store)
    var records: [Mutation] = []
    for folder in NodeSettings(store: store).folders() {
      guard let taken = try change.taken(folder.id) else { continue }
      let key = FolderRecord.storeKey(folder.id)
      // Not what the new group knows already, or has dropped since.
      guard try store.get(key) == nil else { continue }
      let name = taken.name.isEmpty ? FolderPlace.name(of: folder.path) : taken.name
      records.append(groupPut(key, FolderRecord(name: name).encoded(), after: nil))
    }
    if !records.isEmpty { try await store.wait(try store.commit(records)) }
  }
}
