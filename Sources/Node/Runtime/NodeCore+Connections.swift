internal import Logging
internal import SoftadastraCore
internal import SoftadastraDiscovery
internal import SoftadastraMetadata
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import SoftadastraMirror
internal import SoftadastraReplica

/// Finding, dialling and greeting peers.
extension NodeCore {
  // MARK: Discovery

  func startDiscovery() async throws(SoftadastraError) {
    guard options.discovery.value, let port = listenAddress?.port else { return }
    var discoveryOptions = DiscoveryOptions()
    discoveryOptions.port = UInt16(clamping: options.discoveryPort.value)
    let service = DiscoveryService(
      options: discoveryOptions,
      identity: DiscoveryIdentity(nodeID: nodeID, listenPort: UInt16(clamping: port), startNonce: startNonce),
      discoveryKey: group.discoveryKey, time: time, random: random, logger: logger
    ) { [weak self] event in
      guard let self else { return }
      Task { await self.discovered(event) }
    }
    do throws(SoftadastraError) {
      try await service.start()
    } catch {
      // Local work never depends on the network: without discovery, static addresses still work.
      report(NodeEvent("warning", message: "discovery is off: \(error)"))
      logger.warning("discovery is off: \(error)")
      return
    }
    discovery = service
    updateDiscoveryKeys()
  }

  /// The group's key, and those of open invites, or of the invite that is being redeemed.
  func updateDiscoveryKeys() {
    let now = UInt64(max(0, time.wallMilliseconds() / 1000))
    var secrets = NodeSettings(store: store).invites()
      .filter { $0.invite.expires > now && $0.redeemers.count < $0.uses }.map(\.invite.secret)
    if let joining { secrets.insert(joining.invite.secret, at: 0) }
    discovery?.setKeys(primary: group.discoveryKey, additional: secrets.map { DiscoveryKey.forInvite(secret: $0) })
    discovery?.setSearching(isMissingSomebody)
  }

  private var isMissingSomebody: Bool {
    joining != nil || view.members.keys.contains { $0 != nodeID && members[$0] == nil }
  }

  private func discovered(_ event: DiscoveryEvent) {
    guard !isStopping else { return }
    switch event {
    case .found(let peer):
      guard peer.nodeID != nodeID else {
        report(
          NodeEvent(
            "warning",
            message: "another node with this node's identity runs on the network: was the state directory copied?"))
        return
      }
      guard isWanted(peer.nodeID) else { return }
      for address in peer.addresses.reversed() { dialer.add(address, for: .node(peer.nodeID)) }
      dialer.hurry(.node(peer.nodeID))
      pumpDialer()
    case .lost: break
    case .addressesChanged: transport.closeStranded()
    case .networkChanged:
      transport.closeStranded()
      dialer.hurry(nil)
      pumpDialer()
    }
  }

  func isWanted(_ node: NodeID) -> Bool { view.members[node] != nil || joining?.invite.inviter == node }

  // MARK: Dialling

  func addStatic(_ text: String) {
    guard let address = PeerAddress(text) else {
      report(NodeEvent("warning", message: "not an address, left out: \(text)"))
      return
    }
    staticAddresses.insert(address)
    dialer.add(address, for: .address(address))
    pumpDialer()
  }

  func updateDialTargets() {
    if let joining {
      for address in joining.invite.addresses.compactMap({ PeerAddress($0) }) {
        dialer.add(address, for: .node(joining.invite.inviter))
      }
    }
    for (node, address) in NodeSettings(store: store).knownAddresses() where view.members[node] != nil && node != nodeID
    {
      if let address = PeerAddress(address) { dialer.add(address, for: .node(node)) }
    }
    for peer in discovery?.peers ?? [] where isWanted(peer.nodeID) && peer.nodeID != nodeID {
      for address in peer.addresses.reversed() { dialer.add(address, for: .node(peer.nodeID)) }
    }
    pumpDialer()
  }

  func pumpDialer() {
    guard !isStopping else { return }
    dialTimer?.cancel()
    let now = time.monotonicNanoseconds()
    guard let next = dialer.due(now: now) else { return }
    let delay = next > now ? next - now : 0
    dialTimer = Task { [weak self] in
      guard (try? await Task.sleep(for: .nanoseconds(delay + 1_000_000))) != nil, let self else { return }
      await self.pumpDialer()
    }
  }

  // MARK: Transport events

  /// On the connection's event loop. Frames go straight to their link; everything else is the actor's business, in order.
  nonisolated func dispatch(_ event: TransportEvent) {
    switch event {
    case .frames(let id, let frames):
      arriving[id]?.deliver(frames)
      return
    case .connected(let id, let identity, let address, let isInbound):
      arriving.open(id, identity, address, isInbound: isInbound)
    case .disconnected, .dialFailed: break
    }
    transportEvents.yield(event)
  }

  func handle(_ event: TransportEvent) {
    guard !isStopping else { return }
    switch event {
    case .connected(let id, _, _, _): if let link = arriving[id] { connected(link) }
    case .frames: break
    case .disconnected(let id, let error):
      arriving.remove(id)?.finish()
      disconnected(id, error)
    case .dialFailed(let node, let address, let error):
      dialer.failed(node, address)
      if let node { lastErrors[node] = error.description }
      logger.debug("dialling \(address): \(error)")
      pumpDialer()
    }
  }

  private func connected(_ link: PeerLink) {
    let (peer, address, isInbound) = (link.identity.nodeID, link.address, link.isInbound)
    guard peer != nodeID else {
      if !isInbound { dialer.connected(.address(address)) }
      link.close("this is the same node")
      return
    }
    guard !isHealing else {
      if !isInbound { for target in [DialTarget.address(address), .node(peer)] { dialer.disconnected(target) } }
      link.close("a new replica ID is taken")
      return
    }
    links[link.connection] = link
    if !isInbound {
      answering[address] = peer
      dialer.connected(.address(address))
    }
    if view.members[peer] != nil {
      guard use(link) else { return }
    } else if let joining, joining.invite.inviter == peer {
      dialer.connected(.node(peer))
      requestJoin(link)
    }
    // Anybody else may say one thing: that it has an invite, and not take for ever to say it.
    if members[peer] == nil {
      let id = link.connection
      Task { [weak self] in
        try? await Task.sleep(for: Self.strangerPatience)
        await self?.closeStranger(id)
      }
    }
    Task { await self.readControl(link) }
    Task { await self.readData(link) }
    Task { await self.runSender(link) }
    Task { await self.runServer(link) }
  }

  private func closeStranger(_ id: ConnectionID) {
    guard let link = links[id], members[link.identity.nodeID]?.link !== link else { return }
    link.close("not a member of this group")
  }

  /// A member's connection is the one that is used, or replaced by it, or closed: there is one for each member.
  @discardableResult func use(_ link: PeerLink) -> Bool {
    let peer = link.identity.nodeID
    // It may have ended while its peer was let in.
    guard links[link.connection] === link, !link.isClosing else { return false }
    if let old = members[peer]?.link {
      // Greeted already, when the group's records made it a member.
      guard old !== link else { return true }
      guard old.isClosing || rank(link) > rank(old) else {
        link.close("another connection to this node is used")
        // Who dials may know that the other one is dead.
        if link.isInbound { transport.verify(old.connection) }
        return false
      }
      forget(peer)
      old.close("a newer connection is used")
    }
    greet(link)
    return true
  }

  private func rank(_ link: PeerLink) -> ConnectionRank {
    ConnectionRank(link.connection, isInbound: link.isInbound, peer: link.identity.nodeID, here: nodeID)
  }

  /// What is open to a member, and was made before it was let in.
  func useOpenLinks(to peer: NodeID) {
    guard view.members[peer] != nil, peer != nodeID, !isHealing else { return }
    for link in links.values where link.identity.nodeID == peer { use(link) }
  }

  private func greet(_ link: PeerLink) {
    let peer = link.identity.nodeID
    lastSession += 1
    members[peer] = Member(link: link, session: lastSession, hello: nil)
    link.admit()
    dialer.connected(.node(peer))
    lastErrors[peer] = nil
    link.enqueue(
      .message(
        .hello(
          SyncMessage.Hello(
            group: group.id, replica: store.replica, startNonce: life.nonce, nextCounter: life.nextCounter,
            listenPort: UInt16(clamping: listenAddress?.port ?? 0), metadata: metadata.encoded))))
  }

  private func disconnected(_ id: ConnectionID, _ error: SoftadastraError?) {
    inviterSides[id] = nil
    guard let link = links.removeValue(forKey: id) else { return }
    let peer = link.identity.nodeID
    if members[peer]?.link === link {
      forget(peer)
      if let error { lastErrors[peer] = error.description }
      report(NodeEvent("peer-disconnected", peer: name(of: peer), message: error?.description))
    }
    if members[peer] == nil { useOpenLinks(to: peer) }
    // Else another connection took its place: dialled now, that one would be replaced in turn, for ever.
    if members[peer] == nil {
      dialer.disconnected(.node(peer))
      for (address, node) in answering where node == peer { dialer.disconnected(.address(address)) }
    }
    pumpDialer()
    discovery?.setSearching(isMissingSomebody)
  }

  private func forget(_ peer: NodeID) {
    replicator.disconnected(peer)
    if let session = members.removeValue(forKey: peer)?.session {
      for folder in folders.values { Task { await folder.mirror.peerDisconnected(peer, session: session) } }
    }
    for waiter in settleWaiters.values { waiter.resume(returning: false) }
    settleWaiters.removeAll()
  }

  /// Where a member was reached, or says it can be: dialled again after a restart, also without discovery.
  private func rememberAddress(of peer: NodeID, _ link: PeerLink, _ listenPort: UInt16) {
    guard !link.isInbound || listenPort > 0 else { return }
    let address = link.isInbound ? PeerAddress(host: link.address.host, port: Int(listenPort)) : link.address
    dialer.add(address, for: .node(peer))
    let settings = NodeSettings(store: store)
    if let mutation = settings.knownAddressMutation(peer, address.description) { _ = try? store.commit([mutation]) }
  }

  // MARK: Hello

  func received(_ hello: SyncMessage.Hello, from link: PeerLink) async {
    let peer = link.identity.nodeID
    guard hello.group == group.id else {
      lastErrors[peer] = "it is in another group"
      link.close("different groups")
      return
    }
    guard await recognise(hello, from: link), members[peer]?.link === link else { return }
    members[peer]?.hello = hello
    rememberAddress(of: peer, link, hello.listenPort)
    if let info = try? NodeMetadata(decoding: hello.metadata), info.nodeID == peer { registry.update(info) }
    report(NodeEvent("peer-connected", address: link.address.description, peer: name(of: peer)))
    discovery?.setSearching(isMissingSomebody)
    guard let session = members[peer]?.session else { return }
    await replicator.connected(peer, replica: hello.replica, nonce: hello.startNonce, session: session)
  }
}
