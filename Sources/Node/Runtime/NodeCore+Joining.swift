internal import Logging
internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport

/// The redemption of one invite by this node: who waits for it, and what was said so far.
final class JoinAttempt {
  let invite: Invite
  /// What was said on each connection: the inviter may be reached by several at once.
  var exchanges: [ConnectionID: (nonce: UInt64, inviterNonce: UInt64)] = [:]
  /// The inviter's acceptance is being carried out; another one, over a second connection, adds nothing.
  var isEntering = false
  private var waiters: [CheckedContinuation<SoftadastraError?, Never>] = []

  init(invite: Invite) { self.invite = invite }

  func wait(_ continuation: CheckedContinuation<SoftadastraError?, Never>) { waiters.append(continuation) }

  func finish(_ result: Result<Void, SoftadastraError>) {
    let error: SoftadastraError? = if case .failure(let error) = result { error } else { nil }
    for waiter in waiters { waiter.resume(returning: error) }
    waiters.removeAll()
  }
}

/// Pairing, both roles. See `JoinMessage`.
extension NodeCore {
  /// `join` returns after this long with a retryable error; the attempt itself goes on.
  static let joinPatience = Duration.seconds(5)
  /// How long a stranger may take to show an invite.
  static let strangerPatience = Duration.seconds(30)

  // MARK: Giving invites

  func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String {
    let now = UInt64(max(0, time.wallMilliseconds() / 1000))
    let invite = Invite(
      inviter: nodeID, secret: random.bytes(Invite.secretBytes), expires: now + UInt64(max(1, expiresSeconds)),
      addresses: reachableAddresses())
    let open = OpenInvite(invite: invite, uses: max(1, min(uses, OpenInvite.maxRedeemers)))
    let settings = NodeSettings(store: store)
    // Invites nobody can use any more go when a new one comes.
    let stale = settings.invites().filter { $0.invite.expires + 86_400 < now }.map { settings.removal(of: $0) }
    try await store.wait(try store.commit([settings.inviteMutation(open)] + stale))
    updateDiscoveryKeys()
    return invite.text
  }

  private func reachableAddresses() -> [String] {
    guard let listen = listenAddress else { return [] }
    if listen.host != "::", listen.host != "0.0.0.0" { return [listen.description] }
    return Array(
      LocalAddresses.all().map { PeerAddress(host: $0, port: listen.port).description }.prefix(Invite.maxAddresses))
  }

  // MARK: Joining

  func join(_ text: String) async throws(SoftadastraError) {
    let invite = try Invite(text: text)
    if invite.inviter == nodeID {
      throw SoftadastraError(.invalid, "invite", why: "it is this node's own", hint: "use it on the other machine")
    }
    // Joining twice is no error.
    if view.members[invite.inviter] != nil { return }
    guard canJoinAnotherGroup else {
      throw SoftadastraError(
        .conflict, "join", why: "this node is in a group with other members",
        hint: "let it leave that group first, or use another --home")
    }
    // Whether it has expired is for the inviter to say: this clock may be years off.
    if joining?.invite != invite {
      joining?.finish(.failure(SoftadastraError(.closed, "join", why: "another invite is being used")))
      joining = JoinAttempt(invite: invite)
      let settings = NodeSettings(store: store)
      try await store.wait(try store.commit([settings.pendingJoinMutation(invite)]))
    }
    updateDiscoveryKeys()
    updateDialTargets()
    if let link = links.values.first(where: { $0.identity.nodeID == invite.inviter }) { requestJoin(link) }
    try await waitForJoin()
  }

  func waitForJoin() async throws(SoftadastraError) {
    guard let attempt = joining else { return }
    let timer = Task { [weak self] in
      guard (try? await Task.sleep(for: Self.joinPatience)) != nil else { return }
      await self?.joinTimedOut()
    }
    let error = await withCheckedContinuation { attempt.wait($0) }
    timer.cancel()
    if let error { throw error }
  }

  private func joinTimedOut() {
    // What is being carried out ends by itself.
    guard let joining, !joining.isEntering else { return }
    let why = lastErrors[joining.invite.inviter] ?? "the inviting node was not found"
    joining.finish(
      .failure(
        SoftadastraError(
          .timeout, "join", why: why, hint: "is the inviting node running, and reachable from here?", retryable: true)))
  }

  /// A node alone in its group leaves it when it joins another.
  var canJoinAnotherGroup: Bool { view.members.keys.allSatisfy { $0 == nodeID } }

  /// Nobody else is in the group, and no kept invite is about to change that.
  var canInvite: Bool { canJoinAnotherGroup && joining == nil }

  func requestJoin(_ link: PeerLink) {
    guard let joining, canJoinAnotherGroup else { return }
    guard joining.exchanges[link.connection] == nil else { return }
    let nonce = random.next()
    // It will send the group's records.
    link.admit()
    joining.exchanges[link.connection] = (nonce, 0)
    let message = JoinMessage.request(invite: joining.invite.id, nonce: nonce)
    Task { await link.send(message) }
  }

  func handle(_ message: JoinMessage, from link: PeerLink) async {
    do throws(SoftadastraError) {
      switch message {
      case .request(let id, let nonce): try await answerRequest(id, nonce, link)
      case .proof(let hmac, let name): try await answerProof(hmac, name, link)
      case .challenge(let nonce): await answerChallenge(nonce, link)
      case .accepted(let hmac, let group, let records): try await enter(hmac, group, records, link)
      case .introduction(let record): try await letIn(record, link)
      case .refused(let error):
        guard let attempt = joining, attempt.invite.inviter == link.identity.nodeID else { return }
        try? await endJoining(.failure(error))
      }
    } catch {
      // Whoever comes by must not fill the log.
      logger.debug("pairing with \(link.address): \(error)")
      await link.send(.refused(error))
    }
  }

  // MARK: As the inviter

  private func answerRequest(_ id: [UInt8], _ nonce: UInt64, _ link: PeerLink) async throws(SoftadastraError) {
    guard let open = NodeSettings(store: store).invites().first(where: { $0.invite.id == id }) else {
      throw SoftadastraError(
        .untrusted, "invite", why: "it is not known here", hint: "make a new one with: softadastra invite")
    }
    if let refusal = open.allows(link.identity.nodeID, now: UInt64(max(0, time.wallMilliseconds() / 1000))) {
      throw refusal
    }
    let mine = random.next()
    inviterSides[link.connection] = (open, nonce, mine)
    await link.send(.challenge(nonce: mine))
  }

  private func answerProof(_ hmac: [UInt8], _ name: String, _ link: PeerLink) async throws(SoftadastraError) {
    guard let side = inviterSides.removeValue(forKey: link.connection) else { return }
    guard joining?.isEntering != true else {
      throw SoftadastraError(.conflict, "invite", why: "this node is joining another group itself")
    }
    let keys = (joiner: link.identity.publicKey, inviter: identity.publicKey)
    let proof = { (role: String) in
      side.invite.invite.proof(
        role: role, joinerKey: keys.joiner, inviterKey: keys.inviter, joinerNonce: side.joinerNonce,
        inviterNonce: side.inviterNonce)
    }
    guard isEqual(proof("joiner"), hmac) else {
      throw SoftadastraError(.untrusted, "invite", why: "its secret does not fit")
    }
    let settings = NodeSettings(store: store)
    let joiner = link.identity.nodeID
    // Read anew: another joiner may have used it up since the challenge.
    guard var open = settings.invites().first(where: { $0.invite.id == side.invite.invite.id }) else { return }
    if let refusal = open.allows(joiner, now: UInt64(max(0, time.wallMilliseconds() / 1000))) { throw refusal }
    if !open.redeemers.contains(joiner) { open.redeemers.append(joiner) }
    let key = MemberRecord.storeKey(joiner)
    let member = try MemberRecord.make(link.identity.publicKey, name: name, in: group.id, by: identity)
    try await store.wait(
      try store.commit([
        settings.inviteMutation(open), groupPut(key, member.encoded(), after: try store.get(key)),
      ]))
    view = GroupView(store)
    let records = SyncMessage.supplement(.group, OutgoingChanges(store: store).groupRecords()).encoded()
    await link.send(.accepted(proof("inviter"), group, records: records))
    report(NodeEvent("joined", peer: member.name, message: "a new member"))
    updateDiscoveryKeys()
    use(link)
  }

  // MARK: As the joiner

  private func answerChallenge(_ nonce: UInt64, _ link: PeerLink) async {
    guard let joining, joining.invite.inviter == link.identity.nodeID,
      let mine = joining.exchanges[link.connection]?.nonce
    else { return }
    joining.exchanges[link.connection] = (mine, nonce)
    let hmac = joining.invite.proof(
      role: "joiner", joinerKey: identity.publicKey, inviterKey: link.identity.publicKey, joinerNonce: mine,
      inviterNonce: nonce)
    await link.send(.proof(hmac, name: options.name.value))
  }

  private func enter(
    _ hmac: [UInt8], _ group: GroupState, _ records: [UInt8], _ link: PeerLink
  ) async throws(SoftadastraError) {
    guard let attempt = joining, attempt.invite.inviter == link.identity.nodeID,
      let exchange = attempt.exchanges[link.connection], !attempt.isEntering
    else { return }
    attempt.isEntering = true
    defer { attempt.isEntering = false }
    let expected = attempt.invite.proof(
      role: "inviter", joinerKey: identity.publicKey, inviterKey: link.identity.publicKey, joinerNonce: exchange.nonce,
      inviterNonce: exchange.inviterNonce)
    guard isEqual(expected, hmac), canJoinAnotherGroup,
      let decoded = try? SyncMessage.decode(kind: 11, SharedBytes(records)),
      case .supplement(.group, let changes) = decoded
    else {
      try await endJoining(.failure(SoftadastraError(.untrusted, "join", why: "the inviter could not prove itself")))
      return
    }
    for other in links.values where other !== link && other.identity.nodeID == attempt.invite.inviter {
      other.close("another connection was used to join")
    }
    do throws(SoftadastraError) { try await changeGroup(to: group, records: changes) } catch {
      attempt.finish(.failure(error))
      throw error
    }
    try await endJoining(.success(()))
    report(NodeEvent("joined", peer: name(of: attempt.invite.inviter)))
    use(link)
    pump()
  }

  private func endJoining(_ result: Result<Void, SoftadastraError>) async throws(SoftadastraError) {
    let attempt = joining
    joining = nil
    // Whoever waits hears of it, also where it cannot be noted.
    defer { attempt?.finish(result) }
    try await store.wait(try store.commit([NodeSettings(store: store).pendingJoinRemoval()]))
    updateDiscoveryKeys()
  }

  private func isEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
