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
    let running = Array(folders.values)
    for folder in running { await folder.stop() }
    folders.removeAll()
    try await store.wait(
      try store.inOrder { () throws(SoftadastraError) in try store.commit(takingOver(new)) })
    _ = try store.resetReplica()
    replicator.reset()
    group = new
    view = GroupView(store)
    discovery?.updateKey(new.discoveryKey)
    try await replicator.apply(records, in: .group, cursor: nil)
    life = try await ReplicaStart.begin(store, node: nodeID, nonce: startNonce)
    try await KeptValues(store: store, author: author).putAnew()
    let names = running.map {
      let key = FolderRecord.storeKey($0.id)
      return groupPut(key, FolderRecord(name: $0.name).encoded(), after: try? store.get(key))
    }
    if !names.isEmpty { try await store.wait(try store.commit(names)) }
    view = GroupView(store)
    for folder in running {
      await resume(WatchedFolder(id: folder.id, path: folder.path, mode: folder.mode.rawValue), adopting: true)
    }
  }

  /// The new group's secrets in place of all records of the old one. Values are kept; files are taken in again from the
  /// disk, under the new group's hash.
  private func takingOver(_ new: GroupState) -> [Mutation] {
    var mutations: [Mutation] = []
    forEachKey(SpaceID.values.prefix) { key, entry in
      if !entry.isDeleted { mutations.append(KeptValues.settingAside(key, entry.value)) }
      mutations.append(.erase(key: key))
    }
    for namespace in [
      Namespace.group, Namespace.file, Namespace.remote, Namespace.moveIntent, Namespace.cursor, Namespace.watermark,
      Namespace.withheld,
    ] {
      forEachKey([namespace]) { key, _ in mutations.append(.erase(key: key)) }
    }
    mutations.append(NodeSettings(store: store).groupMutation(new))
    mutations.append(NodeSettings(store: store).introductionRemoval())
    return mutations
  }

  private func forEachKey(_ prefix: [UInt8], _ body: ([UInt8], Entry) -> Void) {
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: 1024, includeDeleted: true)
      for (key, _) in page {
        if let entry = try? store.get(key) { body(key, entry) }
      }
      guard page.count == 1024 else { return }
      after = page.last!.key
    }
  }
}
