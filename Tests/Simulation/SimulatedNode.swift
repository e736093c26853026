import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync

extension SimulatedNode {
  /// What the simulation counts.
  struct Hooks: Sendable {
    /// So many deletions were forgotten.
    let forgotten: @Sendable (Int) -> Void
    /// So many were heard of again from others.
    let deletedWhileAway: @Sendable (Int) -> Void
    /// A peer's history has forked.
    let noticedFork: @Sendable () -> Void
    /// The own one has, from that counter on.
    let healing: @Sendable (UInt64) -> Void
    let failed: @Sendable (String) -> Void
  }
}

/// One life of one node: from a start to a stop or a crash. The same store, replicator and mirror as in the program;
/// only disk, network and clocks are simulated.
actor SimulatedNode {
  /// What leaves for a peer over one connection.
  typealias Send = @Sendable (_ message: SyncMessage) async -> Void

  private struct Link {
    let session: UInt64
    let outgoing: AsyncStream<Replicator.Outgoing>.Continuation
    let control: AsyncStream<SyncMessage>.Continuation
    let data: AsyncStream<SyncMessage>.Continuation
    let fetches: AsyncStream<SyncMessage.Fetch>.Continuation
    /// Ends the connection after what was sent over it.
    let hangUp: @Sendable () -> Void

    func finish() {
      outgoing.finish()
      control.finish()
      data.finish()
      fetches.finish()
    }
  }

  nonisolated let id: NodeID
  nonisolated let store: Store
  private(set) var mirror: FolderMirror
  private let makeMirror: @Sendable () -> FolderMirror
  private let replicator: Replicator
  private let time: any TimeSource
  private var links: [NodeID: Link] = [:]
  private var newestSessions: [NodeID: UInt64] = [:]
  private let nonce: UInt64
  /// Nil until the start is recorded.
  private var life: ReplicaStart?
  private var isOver = false
  private var isHealing = false
  private let hooks: Hooks

  init(
    id: NodeID, store: Store, time: any TimeSource, patienceMilliseconds: UInt64, nonce: UInt64, hooks: Hooks,
    makeMirror: @escaping @Sendable () -> FolderMirror
  ) {
    self.id = id
    self.hooks = hooks
    self.store = store
    self.nonce = nonce
    self.makeMirror = makeMirror
    mirror = makeMirror()
    self.time = time
    replicator = Replicator(store: store, node: id, time: time)
    replicator.tombstonePatienceMilliseconds = patienceMilliseconds
  }

  /// - Parameter isCopy: the store was copied or restored, and the node sees it.
  func start(isCopy: Bool) async throws {
    replicator.install(
      Replicator.Hooks(
        enqueue: { [unowned self] peer, outgoing in _ = self.links[peer]?.outgoing.yield(outgoing) },
        groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    replicator.hooks.deletedWhileAway = { [unowned self] in self.hooks.deletedWhileAway($1) }
    store.onChange { [weak self] _ in
      guard let self else { return }
      Task { await self.storeChanged() }
    }
    let life = try await ReplicaStart.begin(store, node: id, nonce: nonce, isCopy: isCopy)
    guard !isOver else { return }
    try await begin(life)
    Task { await self.ticks() }
  }

  private func begin(_ life: ReplicaStart) async throws {
    try await mirror.start()
    await replicator.add(mirror)
    await mirror.rescan()
    self.life = life
    for (peer, link) in links { greet(peer, link, life) }
  }

  private func ticks() async {
    while !isOver {
      await time.sleep(nanoseconds: 5_000_000_000)
      guard !isOver else { return }
      let before = replicator.forgotten
      _ = replicator.tick()
      hooks.forgotten(replicator.forgotten - before)
    }
  }

  private func storeChanged() { if !isOver { replicator.storeChanged() } }
  func settled(_ space: SpaceID, _ origins: [(peer: NodeID, sequence: UInt64)]) {
    if !isOver { replicator.settled(space, origins) }
  }
  func nothingPending(_ space: SpaceID) { if !isOver { replicator.nothingPending(space) } }

  /// After a stop or a crash: nothing of this life does anything any more.
  func end(isStop: Bool) async {
    isOver = true
    for link in links.values { link.finish() }
    links.removeAll()
    if isStop { await mirror.stop() } else { await mirror.abandon() }
  }

  // MARK: Connections

  func connect(
    _ peer: NodeID, session: UInt64, hangUp: @escaping @Sendable () -> Void, send: @escaping Send
  ) async {
    // Told out of order: this one was replaced already.
    guard !isOver, session > newestSessions[peer] ?? 0 else { return }
    newestSessions[peer] = session
    let (outgoing, outgoingSink) = AsyncStream<Replicator.Outgoing>.makeStream()
    let (control, controlSink) = AsyncStream<SyncMessage>.makeStream()
    let (data, dataSink) = AsyncStream<SyncMessage>.makeStream()
    let (fetches, fetchSink) = AsyncStream<SyncMessage.Fetch>.makeStream()
    links[peer]?.finish()
    let link = Link(
      session: session, outgoing: outgoingSink, control: controlSink, data: dataSink, fetches: fetchSink,
      hangUp: hangUp)
    links[peer] = link
    if let life { greet(peer, link, life) }
    let changes = OutgoingChanges(store: store)
    let mirror = self.mirror
    Task {
      for await item in outgoing {
        switch item {
        case .message(let message): await send(message)
        case .batch(let batch, let claim):
          let encoded = await changes.encoded(batch, claim: claim, mirror: mirror)
          for message in encoded.messages { await send(.changes(message)) }
          self.left(batch, isWhole: encoded.isWhole, session: session)
        }
      }
    }
    Task { for await message in control { await self.handle(message, from: peer, session: session) } }
    Task { for await message in data { await self.handle(message, from: peer, session: session) } }
    Task {
      for await fetch in fetches {
        for message in await mirror.serve(fetch) { await send(message) }
      }
    }
  }

  private func left(_ batch: SyncEngine.Batch, isWhole: Bool, session: UInt64) {
    guard links[batch.peer]?.session == session else { return }
    replicator.left(batch, isWhole: isWhole)
  }

  private func greet(_ peer: NodeID, _ link: Link, _ life: ReplicaStart) {
    link.outgoing.yield(
      .message(
        .hello(
          SyncMessage.Hello(
            group: GroupID(high: 1, low: 1), replica: store.replica, startNonce: life.nonce,
            nextCounter: life.nextCounter, listenPort: 0, metadata: []))))
  }

  func disconnect(_ peer: NodeID, session: UInt64) async {
    newestSessions[peer] = max(session, newestSessions[peer] ?? 0)
    guard let link = links[peer], link.session == session else { return }
    link.finish()
    links[peer] = nil
    replicator.disconnected(peer)
    await mirror.peerDisconnected(peer, session: session)
  }

  /// From the network, in the order in which it was sent.
  func deliver(_ message: SyncMessage, from peer: NodeID, session: UInt64) {
    // Also from one that does not listen to this node, and hung up after it said so.
    if case .recognised(let recognition) = message {
      Task { await self.recognised(recognition) }
      return
    }
    guard let link = links[peer], link.session == session else { return }
    switch message {
    case .data: link.data.yield(message)
    case .fetch(let fetch): link.fetches.yield(fetch)
    default: link.control.yield(message)
    }
  }

  private func handle(_ message: SyncMessage, from peer: NodeID, session: UInt64) async {
    guard !isOver, links[peer]?.session == session else { return }
    if case .hello(let hello) = message {
      guard await recognise(hello, from: peer, session: session), links[peer]?.session == session else { return }
      await replicator.connected(peer, replica: hello.replica, nonce: hello.startNonce, session: session)
    } else {
      await replicator.receive(message, from: peer)
    }
  }

  // MARK: Restored and copied states

  /// False if the peer's history has forked: then nothing of it is merged.
  private func recognise(_ hello: SyncMessage.Hello, from peer: NodeID, session: UInt64) async -> Bool {
    guard !isHealing, let life else {
      hangUp(peer, session)
      return false
    }
    let isOneReplica = hello.replica == store.replica
    let (recognition, isForked) =
      isOneReplica
      ? (await replicator.recognition(of: hello.replica), true) : await replicator.recognise(hello, from: peer)
    guard links[peer]?.session == session else { return false }
    links[peer]?.outgoing.yield(.message(.recognised(recognition)))
    guard isForked else { return true }
    hooks.noticedFork()
    hangUp(peer, session)
    if isOneReplica { await heal(from: min(hello.nextCounter, life.nextCounter)) }
    return false
  }

  private func hangUp(_ peer: NodeID, _ session: UInt64) {
    guard let link = links[peer], link.session == session else { return }
    // After what waits to be sent.
    link.outgoing.finish()
    Task {
      await time.sleep(nanoseconds: 1_000_000)
      link.hangUp()
    }
  }

  private func recognised(_ recognition: SyncMessage.Recognition) async {
    guard !isOver, life != nil, let counter = replicator.ownFork(given: recognition) else { return }
    await heal(from: counter)
  }

  /// As the program does it: folders end, a new replica ID is taken, folders begin again.
  private func heal(from counter: UInt64) async {
    guard !isHealing, !isOver else { return }
    isHealing = true
    defer { isHealing = false }
    hooks.healing(counter)
    await mirror.stop()
    for (peer, link) in links {
      link.hangUp()
      await disconnect(peer, session: link.session)
    }
    life = nil
    do {
      let next = try await ReplicaStart.begin(store, node: id, nonce: nonce, fork: counter)
      guard !isOver else { return }
      replicator.reset()
      mirror = makeMirror()
      try await begin(next)
    } catch {
      hooks.failed("the fork is not healed: \(error)")
    }
  }

  func fetch(_ peer: NodeID, _ message: SyncMessage) { _ = links[peer]?.outgoing.yield(.message(message)) }

  func handle(_ events: [WatchEvent]) async { await mirror.handle(events) }

  // MARK: For the checks

  /// Nothing waits here, and the peers have applied everything.
  func isSettled() async -> Bool {
    guard await mirror.isSettled, store.durableSequence == store.lastSequence else { return false }
    return links.keys.allSatisfy { peer in
      replicator.spaces.allSatisfy {
        replicator.engine.pending(for: peer, $0, limit: 1, reading: replicator.feed).isEmpty
      }
    }
  }

  /// What is not settled, in words.
  func unsettledReason() async -> String {
    let status = await mirror.status(pendingLimit: 5)
    var words = ["state \(status.state), pending \(status.pendingFiles), unobserved \(status.unobserved)"]
    for item in status.pending { words.append("pending \(item.path)") }
    for (path, error) in status.blocked.prefix(5) { words.append("blocked \(path): \(error.why)") }
    for peer in links.keys.sorted() {
      for space in replicator.spaces {
        let items = replicator.engine.pending(for: peer, space, limit: 3, reading: replicator.feed)
        if !items.isEmpty {
          words.append("peer \(peer.short) lacks \(items.map { BytePath.escape($0.key.dropFirst(10)) }) of \(space)")
          if let sent = replicator.engine.outgoing(peer, space) { words.append("\(sent)") }
        }
      }
    }
    for peer in links.keys.sorted() {
      for space in replicator.spaces {
        guard let known = replicator.engine.incomingKnown(peer, space),
          let applied = replicator.engine.incomingApplied(peer, space), known != applied
        else { continue }
        words.append("of \(peer.short) \(space): known \(known), applied \(applied)")
      }
    }
    return words.joined(separator: "; ")
  }

  var peerCount: Int { links.count }
}
