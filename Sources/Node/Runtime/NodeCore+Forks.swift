internal import Logging
internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport

/// State directories that were restored or copied: noticed on both sides, told, and healed by the one that forked.
extension NodeCore {
  // MARK: Others

  /// Tells the peer what is known of its replica. False if its history has forked: then nothing of it is merged.
  func recognise(_ hello: SyncMessage.Hello, from link: PeerLink) async -> Bool {
    let peer = link.identity.nodeID
    if hello.replica == store.replica {
      // Two nodes by their keys, and one replica: both take a new one.
      tell("uses this node's replica ID", peer, hello.replica)
      await link.send(.recognised(await replicator.recognition(of: hello.replica)))
      link.close("the replica ID is used twice")
      await heal(from: min(hello.nextCounter, life.nextCounter))
      return false
    }
    let (recognition, isForked) = await replicator.recognise(hello, from: peer)
    await link.send(.recognised(recognition))
    guard isForked else {
      toldForks[peer] = nil
      return true
    }
    tell("goes on from a state that was restored from a backup or copied", peer, hello.replica)
    lastErrors[peer] = "its state was restored or copied; it takes a new replica ID"
    link.close("the replica's history has forked")
    return false
  }

  /// Once, however often it connects before it has a new one.
  private func tell(_ what: String, _ peer: NodeID, _ replica: ReplicaID) {
    guard toldForks.updateValue(replica, forKey: peer) != replica else { return }
    logger.warning("\(name(of: peer)) \(what): nothing of it is merged until it has a new replica ID")
    report(NodeEvent("warning", peer: name(of: peer), message: "it \(what); it takes a new replica ID"))
  }

  // MARK: This node

  /// A member knows versions of our replica that this node did not write.
  func recognised(_ recognition: SyncMessage.Recognition, by peer: NodeID) async {
    guard let counter = replicator.ownFork(given: recognition) else { return }
    await heal(from: counter)
  }

  /// Goes on under a new replica ID, and issues again what was written since the fork.
  func heal(from counter: UInt64) async {
    guard !isHealing, !isStopping else { return }
    isHealing = true
    defer {
      isHealing = false
      // Who was turned away meanwhile is looked for again.
      dialer.hurry(nil)
      pumpDialer()
    }
    let message =
      "this node's state was restored from a backup, or copied, while others knew a later one: it takes a new replica ID, and sends what changed here since as concurrent edits"
    logger.warning("\(message)")
    report(NodeEvent("warning", message: message))
    for folder in folders.values {
      restingFolders.append(WatchedFolder(id: folder.id, path: folder.path, mode: folder.mode.rawValue))
      await folder.stop()
    }
    folders.removeAll()
    for member in members.values { member.link.close("a new replica ID is taken") }
    do throws(SoftadastraError) {
      life = try await ReplicaStart.begin(store, node: nodeID, nonce: startNonce, fork: counter)
    } catch {
      logger.error("the fork is not healed: \(error)")
      report(NodeEvent("warning", message: error.description))
      // The next member that recognises the fork makes the next attempt.
      for folder in restingFolders { stoppedFolders[folder.id] = (folder, error) }
      return
    }
    replicator.reset()
    view = GroupView(store)
    for folder in restingFolders { await resume(folder) }
    report(NodeEvent("replica-renewed", message: store.replica.description))
  }

  // MARK: A home that was copied

  /// A stranger shows that a member let it in.
  func letIn(_ record: MemberRecord, _ link: PeerLink) async throws(SoftadastraError) {
    guard record.node == link.identity.nodeID, record.signer != record.node else { return }
    // Over another of its connections, of which it may use either.
    guard view.members[record.node] == nil else {
      use(link)
      return
    }
    guard let signer = view.members[record.signer], record.isSigned(in: group.id, signerKey: signer.publicKey) else {
      throw SoftadastraError(
        .untrusted, "introduction", why: "no member of this group signed it", hint: "join with an invite")
    }
    let key = MemberRecord.storeKey(record.node)
    try await store.wait(try store.commit([groupPut(key, record.encoded(), after: try store.get(key))]))
    view = GroupView(store)
    report(
      NodeEvent("joined", peer: record.name, message: "a new member: a copy of \(name(of: record.signer))'s state"))
    updateDiscoveryKeys()
    use(link)
  }
}
