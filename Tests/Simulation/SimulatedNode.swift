import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync

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

    func finish() {
      outgoing.finish()
      control.finish()
      data.finish()
      fetches.finish()
    }
  }

  nonisolated let id: NodeID
  nonisolated let store: Store
  nonisolated let mirror: FolderMirror
  private let replicator: Replicator
  private let time: any TimeSource
  private var links: [NodeID: Link] = [:]
  private var isOver = false

  /// Told how many deletions were forgotten, and how many heard of again from others.
  private let onForgotten: @Sendable (_ forgotten: Int, _ deletedWhileAway: Int) -> Void

  init(
    id: NodeID, store: Store, mirror: FolderMirror, time: any TimeSource, patienceMilliseconds: UInt64,
    onForgotten: @escaping @Sendable (_ forgotten: Int, _ deletedWhileAway: Int) -> Void
  ) {
    self.id = id
    self.onForgotten = onForgotten
    self.store = store
    self.mirror = mirror
    self.time = time
    replicator = Replicator(store: store, node: id, time: time)
    replicator.tombstonePatienceMilliseconds = patienceMilliseconds
  }

  func start() async throws {
    replicator.install(
      Replicator.Hooks(
        enqueue: { [unowned self] peer, outgoing in _ = self.links[peer]?.outgoing.yield(outgoing) },
        groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    replicator.hooks.deletedWhileAway = { [unowned self] in self.onForgotten(0, $1) }
    store.onChange { [weak self] _ in
      guard let self else { return }
      Task { await self.storeChanged() }
    }
    try await mirror.start()
    await replicator.add(mirror)
    await mirror.rescan()
    Task { await self.ticks() }
  }

  private func ticks() async {
    while !isOver {
      await time.sleep(nanoseconds: 5_000_000_000)
      guard !isOver else { return }
      let before = replicator.forgotten
      _ = replicator.tick()
      onForgotten(replicator.forgotten - before, 0)
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

  func connect(_ peer: NodeID, session: UInt64, send: @escaping Send) async {
    guard !isOver else { return }
    let (outgoing, outgoingSink) = AsyncStream<Replicator.Outgoing>.makeStream()
    let (control, controlSink) = AsyncStream<SyncMessage>.makeStream()
    let (data, dataSink) = AsyncStream<SyncMessage>.makeStream()
    let (fetches, fetchSink) = AsyncStream<SyncMessage.Fetch>.makeStream()
    links[peer]?.finish()
    links[peer] = Link(
      session: session, outgoing: outgoingSink, control: controlSink, data: dataSink, fetches: fetchSink)
    outgoingSink.yield(
      .message(
        .hello(
          SyncMessage.Hello(
            group: GroupID(high: 1, low: 1), replica: store.replica, startNonce: 0, nextCounter: store.counter + 1,
            listenPort: 0, metadata: []))))
    let changes = OutgoingChanges(store: store)
    let mirror = self.mirror
    Task {
      for await item in outgoing {
        switch item {
        case .message(let message): await send(message)
        case .batch(let batch, let watermark):
          for message in await changes.messages(for: batch, watermark: watermark, mirror: mirror) {
            await send(.changes(message))
          }
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

  func disconnect(_ peer: NodeID, session: UInt64) async {
    guard let link = links[peer], link.session == session else { return }
    link.finish()
    links[peer] = nil
    replicator.disconnected(peer)
    await mirror.peerDisconnected(peer, session: session)
  }

  /// From the network, in the order in which it was sent.
  func deliver(_ message: SyncMessage, from peer: NodeID, session: UInt64) {
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
      await replicator.connected(peer, replica: hello.replica, session: session)
    } else {
      await replicator.receive(message, from: peer)
    }
  }

  func fetch(_ peer: NodeID, _ message: SyncMessage) { _ = links[peer]?.outgoing.yield(.message(message)) }

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
