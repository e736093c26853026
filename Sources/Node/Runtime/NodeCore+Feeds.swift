internal import Logging
internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport

/// What members say to each other once they have greeted: subscriptions, changes, acknowledgements, bytes.
extension NodeCore {
  /// A message of changes is cut at about this many bytes.
  private static let messageBytes = 1 << 20

  // MARK: Subscribing

  func subscribe(to peer: NodeID, _ space: SpaceID, hasPending: Bool = false) {
    guard let member = members[peer], let hello = member.hello else { return }
    let (known, applied) = cursor(hello.replica, space)
    engine.subscribe(to: peer, space, known: known, applied: applied, hasOlderPending: hasPending)
    member.link.enqueue(
      .message(
        .subscribe(
          SyncMessage.Subscribe(space: space, replica: hello.replica, since: known, watermark: watermark(space)))))
  }

  func subscribe(to peer: NodeID, _ folder: FolderHandle) {
    // A send-only folder wants nothing of the others, but offers its own.
    Task {
      await folder.mirror.peerConnected(peer)
      let hasPending = await folder.mirror.hasPending
      if folder.mode != .sendOnly { self.subscribe(to: peer, .folder(folder.id), hasPending: hasPending) }
      self.pump()
    }
  }

  private func subscribed(_ peer: NodeID, _ request: SyncMessage.Subscribe) {
    wantedSpaces[peer, default: [:]][request.space] = request
    // Offers of a folder that this node does not mirror would be entries without content.
    if case .folder(let id) = request.space, folders[id] == nil { return }
    let isOurs = request.replica == store.replica && request.since <= store.lastSequence
    if AwayPeer(node: peer, store: store).memory(of: request.space) == nil { rememberApplied(peer, request.space, 0) }
    engine.subscribed(
      peer, request.space, since: isOurs ? request.since : 0, watermark: request.watermark)
    pump()
  }

  /// A folder was added after the peer had asked for it.
  func offer(_ folder: FolderID) {
    for (peer, requests) in wantedSpaces {
      if let request = requests[.folder(folder)], members[peer] != nil { subscribed(peer, request) }
    }
  }

  // MARK: Reading

  nonisolated func readControl(_ link: PeerLink) async {
    for await frame in link.control {
      let isUnderstood = await handle(frame, from: link)
      link.consumed(frame)
      if !isUnderstood { return }
    }
  }

  nonisolated func readData(_ link: PeerLink) async {
    for await frame in link.data {
      if case .data(let data)? = (try? frame.decoded()).flatMap({ $0 }) {
        await received(data, from: link.identity.nodeID)
      }
      link.consumed(frame)
    }
  }

  private func received(_ data: SyncMessage.FetchedData, from peer: NodeID) async {
    guard members[peer] != nil else { return }
    await folders.values.first { $0.ownsRequest(data.request) }?.mirror.received(data, from: peer)
  }

  /// False ends the connection: nothing that follows could be trusted.
  private nonisolated func handle(_ frame: Frame, from link: PeerLink) async -> Bool {
    do {
      if JoinMessage.kinds.contains(frame.kind) {
        let message = try JoinMessage(kind: frame.kind, Array(frame.payload.readableBytesView))
        await handle(message, from: link)
        return true
      }
      guard let message = try frame.decoded() else { return true }
      return await handle(message, from: link)
    } catch {
      link.close("a message that cannot be understood: \(error)")
      return false
    }
  }

  private func handle(_ message: SyncMessage, from link: PeerLink) async -> Bool {
    let peer = link.identity.nodeID
    guard members[peer]?.link === link else {
      // Not a member (yet): what it says is ignored.
      return true
    }
    if case .hello(let hello) = message {
      received(hello, from: link)
      return true
    }
    guard members[peer]?.hello != nil else {
      link.close("hello must come first")
      return false
    }
    switch message {
    case .hello, .data: break
    case .subscribe(let request): subscribed(peer, request)
    case .unsubscribe(let space):
      wantedSpaces[peer]?[space] = nil
      engine.unsubscribed(peer, space)
    case .changes(let changes): await received(changes, from: peer)
    case .acknowledge(let ack):
      engine.acknowledged(peer, ack)
      pump()
    case .want(let space, let keys): await sendWhole(space, keys, to: link)
    case .supplement(let space, let changes): await supplemented(space, changes, from: peer)
    case .moveAnswer(let space, let dot, let done):
      engine.moveAnswered(peer, space, dot, done: done)
      pump()
    case .fetch(let fetch): link.enqueue(fetch)
    case .fetchFailed(let request, let reason):
      await folders.values.first { $0.ownsRequest(request) }?.mirror.fetchFailed(request, reason, from: peer)
    case .settle(let id): Task { await self.answerSettle(id, to: peer) }
    case .settled(let id, let isQuiet): settleWaiters.removeValue(forKey: id)?.resume(returning: isQuiet)
    }
    return true
  }

  // MARK: Changes

  private func received(_ changes: SyncMessage.Changes, from peer: NodeID) async {
    guard let replica = members[peer]?.hello?.replica, engine.received(peer, changes) else {
      pump()
      return
    }
    let cursor = cursorMutation(replica, changes.space, changes.through)
    do throws(SoftadastraError) {
      var outstanding: [UInt64] = []
      if case .folder(let id) = changes.space {
        guard let folder = folders[id] else { return }
        let receipt = try await folder.mirror.receive(changes.items, from: peer, cursor: cursor)
        outstanding = receipt.outstanding
        for answer in receipt.answers { members[peer]?.link.enqueue(.message(answer)) }
      } else {
        try await apply(changes.items, in: changes.space, cursor: cursor)
      }
      engine.stored(
        peer, changes.space, through: changes.through, outstanding: outstanding, watermark: changes.watermark)
      // What was applied while its batch was still being recorded counts as well.
      let early = earlySettled.filter { $0.space == changes.space && $0.peer == peer }
      if !early.isEmpty {
        earlySettled.subtract(early)
        engine.settled(changes.space, early.map { ($0.peer, $0.sequence) })
      }
    } catch {
      logger.error("cannot record changes from \(peer.short): \(error)")
      report(NodeEvent("warning", peer: name(of: peer), message: error.description))
    }
    pump()
  }

  private func supplemented(_ space: SpaceID, _ changes: [Change], from peer: NodeID) async {
    guard case .folder(let id) = space, let folder = folders[id] else { return }
    let receipt = try? await folder.mirror.receive(changes, from: peer, cursor: nil)
    for answer in receipt?.answers ?? [] { members[peer]?.link.enqueue(.message(answer)) }
    pump()
  }

  func settled(_ space: SpaceID, _ origins: [(peer: NodeID, sequence: UInt64)]) {
    for origin in origins {
      let known = engine.incomingKnown(origin.peer, space) ?? .max
      if origin.sequence > known {
        earlySettled.insert(EarlySettled(peer: origin.peer, space: space, sequence: origin.sequence))
      }
    }
    engine.settled(space, origins)
    pump()
  }

  func nothingPending(_ space: SpaceID) {
    engine.nothingPending(in: space)
    pump()
  }

  // MARK: Sending

  /// Sends what the engine chose, in order; suspends while the connection's queue is long.
  nonisolated func runSender(_ link: PeerLink) async {
    for await item in link.outgoing {
      switch item {
      case .message(let message): await link.send(message)
      case .batch(let batch, let watermark):
        for message in await messages(for: batch, watermark) { await link.send(.changes(message)) }
      }
    }
  }

  private nonisolated func messages(
    for batch: SyncEngine.Batch, _ watermark: VersionVector?
  ) async -> [SyncMessage.Changes] {
    let changes: [Change]
    if case .folder(let id) = batch.space {
      guard let folder = await folders[id] else { return [] }
      changes = await folder.mirror.changes(for: batch.items, peerWatermark: batch.peerWatermark)
    } else {
      changes = batch.items.compactMap { change(for: $0, in: batch.space) }
    }
    var messages: [SyncMessage.Changes] = []
    var items: [Change] = []
    var bytes = 0
    var after = batch.after
    for (index, change) in changes.enumerated() {
      items.append(change)
      bytes += change.encodedSizeEstimate
      guard bytes >= Self.messageBytes, index + 1 < changes.count else { continue }
      messages.append(
        SyncMessage.Changes(space: batch.space, after: after, through: change.sequence, watermark: nil, items: items))
      after = change.sequence
      items = []
      bytes = 0
    }
    messages.append(
      SyncMessage.Changes(space: batch.space, after: after, through: batch.through, watermark: watermark, items: items))
    return messages
  }

  private nonisolated func change(for item: FeedPage.Item, in space: SpaceID) -> Change? {
    guard let entry = try? store.get(item.key), let version = entry.version, version.dot == item.dot else { return nil }
    return Change(
      sequence: item.sequence, key: Array(item.key.dropFirst(space.prefix.count)), version: version,
      flags: entry.isDeleted ? .deleted : [], value: entry.value)
  }

  /// All group records, for a node that joins.
  nonisolated func groupChanges() -> [Change] {
    store.list(prefix: SpaceID.group.prefix, after: nil, limit: SyncMessage.maxWantedKeys).compactMap { key, summary in
      summary.dot.flatMap {
        change(for: FeedPage.Item(key: key, sequence: summary.sequence, dot: $0), in: .group)
      }
    }
  }

  private func sendWhole(_ space: SpaceID, _ keys: [[UInt8]], to link: PeerLink) async {
    guard case .folder(let id) = space, let folder = folders[id] else { return }
    link.enqueue(.message(.supplement(space, await folder.mirror.wholeChanges(for: keys))))
  }

  /// Serves the byte ranges that a peer asks for, one after the other.
  nonisolated func runServer(_ link: PeerLink) async {
    for await fetch in link.fetches {
      guard let folder = await folders[fetch.folder] else {
        await link.send(.fetchFailed(request: fetch.request, .unknownFolder))
        continue
      }
      await link.send(await folder.mirror.serve(fetch))
    }
  }

  func send(_ message: SyncMessage, to peer: NodeID) async { await members[peer]?.link.send(message) }

  // MARK: Cursors and watermarks

  private func cursor(_ replica: ReplicaID, _ space: SpaceID) -> (known: UInt64, applied: UInt64) {
    guard let entry = try? store.get(StoreKey.cursor(replica, space)),
      let known = try? decode(entry.value, { (r: inout ByteReader) throws(CodingError) in try r.varint() })
    else { return (0, 0) }
    return (known, 0)
  }

  private func cursorMutation(_ replica: ReplicaID, _ space: SpaceID, _ known: UInt64) -> Mutation {
    var writer = ByteWriter(capacity: 10)
    writer.varint(known)
    return .put(key: StoreKey.cursor(replica, space), value: writer.bytes, version: nil)
  }

  func watermark(_ space: SpaceID) -> VersionVector {
    guard let entry = try? store.get(StoreKey.watermark(space)) else { return VersionVector() }
    return (try? decode(entry.value) { (r: inout ByteReader) throws(CodingError) in try r.vector() }) ?? VersionVector()
  }

  func ownWatermark(_ space: SpaceID) -> VersionVector {
    var vector = watermark(space)
    if let counter = feed.ownCounters[space] { vector.add(Dot(replica: store.replica, counter: counter)) }
    return vector
  }

  func mergeWatermark(_ space: SpaceID, _ other: VersionVector) {
    var vector = watermark(space)
    guard !vector.covers(other) else { return }
    vector.merge(other)
    var writer = ByteWriter()
    writer.vector(vector)
    // A watermark that is lost in a crash is earned again: nobody waits for the disk.
    _ = try? store.commit([.put(key: StoreKey.watermark(space), value: writer.bytes, version: nil)])
  }

  func rememberApplied(_ peer: NodeID, _ space: SpaceID, _ applied: UInt64) {
    appliedByPeer[peer, default: [:]][space] = applied
  }

  /// What peers have applied, for `status` while they are away. Lost in a crash it shows more as pending than is.
  func rememberPeers() {
    let mutations = appliedByPeer.flatMap { peer, spaces -> [Mutation] in
      guard let replica = members[peer]?.hello?.replica else { return [] }
      return spaces.map { space, applied in
        AwayPeer(node: peer, store: store).mutation(
          space,
          AwayPeer.Memory(
            applied: applied, replica: replica,
            watermark: engine.outgoing(peer, space)?.peerWatermark ?? VersionVector()))
      }
    }
    appliedByPeer.removeAll()
    if !mutations.isEmpty { _ = try? store.commit(mutations) }
  }
}

/// Settled before the engine had heard that it is stored.
struct EarlySettled: Hashable, Sendable {
  let peer: NodeID
  let space: SpaceID
  let sequence: UInt64
}
