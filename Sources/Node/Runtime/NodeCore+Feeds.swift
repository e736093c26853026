internal import Logging
internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport

/// What connected nodes say, from their links to the replicator, and what it wants said.
extension NodeCore {
  // MARK: Reading

  nonisolated func readControl(_ link: PeerLink) async {
    for await frame in link.control {
      let isUnderstood = await handle(frame, from: link)
      link.consumed(frame)
      if !isUnderstood { return }
    }
  }

  /// Pieces of large files that are verified and written side by side.
  private static let dataAtOnce = 2

  nonisolated func readData(_ link: PeerLink) async {
    await withTaskGroup(of: Void.self) { group in
      var running = 0
      for await frame in link.data {
        if running == Self.dataAtOnce {
          await group.next()
          running -= 1
        }
        running += 1
        group.addTask {
          if case .data(let data)? = (try? frame.decoded()).flatMap({ $0 }) {
            await self.received(data, from: link.identity.nodeID)
          }
          link.consumed(frame)
        }
      }
    }
  }

  private func received(_ data: SyncMessage.FetchedData, from peer: NodeID) async {
    activity &+= 1
    guard members[peer] != nil else { return }
    await replicator.receive(.data(data), from: peer)
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
    activity &+= 1
    let peer = link.identity.nodeID
    // Also from a member that does not listen to this node, before its hello, and when it hung up after it said so.
    if case .recognised(let recognition) = message {
      guard view.members[peer] != nil else { return true }
      Task { await self.recognised(recognition, by: peer) }
      return true
    }
    guard members[peer]?.link === link else {
      // Not a member, or not yet: what it says is ignored, but for who it is.
      if case .hello(let hello) = message { link.keepEarly(hello) }
      return true
    }
    if case .hello(let hello) = message {
      await received(hello, from: link)
      return true
    }
    // It greeted this node before this node knew of it, and goes on now that it was greeted, too.
    if members[peer]?.hello == nil, let hello = link.takeEarlyHello() { await received(hello, from: link) }
    guard members[peer]?.hello != nil else {
      link.close("hello must come first")
      return false
    }
    switch message {
    case .data: break
    case .fetch(let fetch): link.enqueue(fetch)
    case .settle(let id): Task { await self.answerSettle(id, to: peer) }
    case .settled(let id, let isQuiet): settleWaiters.removeValue(forKey: id)?.resume(returning: isQuiet)
    default: await replicator.receive(message, from: peer)
    }
    return true
  }

  func settled(_ space: SpaceID, _ origins: [(peer: NodeID, sequence: UInt64)]) {
    guard !isStopping else { return }
    replicator.settled(space, origins)
  }

  func nothingPending(_ space: SpaceID) {
    guard !isStopping else { return }
    replicator.nothingPending(space)
  }

  // MARK: Sending

  /// Sends what the engine chose, in order; suspends while the connection's queue is long.
  nonisolated func runSender(_ link: PeerLink) async {
    let changes = OutgoingChanges(store: store)
    if let record = NodeSettings(store: store).introduction() { await link.send(.introduction(record)) }
    for await item in link.outgoing {
      switch item {
      case .message(let message): await link.send(message)
      case .batch(let batch, let claim):
        var mirror: FolderMirror?
        if case .folder(let id) = batch.space { mirror = await folders[id]?.mirror }
        let encoded = await changes.encoded(batch, claim: claim, mirror: mirror)
        for message in encoded.messages { await link.send(.changes(message)) }
        await left(batch, isWhole: encoded.isWhole, link)
      }
    }
  }

  private func left(_ batch: SyncEngine.Batch, isWhole: Bool, _ link: PeerLink) {
    guard members[batch.peer]?.link === link, !isStopping else { return }
    replicator.left(batch, isWhole: isWhole)
  }

  /// Serves the byte ranges that a peer asks for, one after the other.
  nonisolated func runServer(_ link: PeerLink) async {
    for await fetch in link.fetches {
      if let mirror = await folders[fetch.folder]?.mirror {
        for message in await mirror.serve(fetch) { await link.send(message) }
      } else {
        await link.send(.fetchFailed(request: fetch.request, .unknownFolder))
      }
    }
  }

  func send(_ message: SyncMessage, to peer: NodeID) async { await members[peer]?.link.send(message) }
}
