public import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
public import SoftadastraSync

/// What connected peers say.
extension Replicator {
  /// Takes in one message of a peer that said hello; messages of one peer one after the other, `data` and `fetch`
  /// excepted. `hello`, `recognised`, `settle`, `settled` and `fetch` are the
  /// owner's business.
  public nonisolated(nonsending) func receive(_ message: SyncMessage, from peer: NodeID) async {
    switch message {
    case .hello, .recognised, .settle, .settled, .fetch: break
    case .subscribe(let request): subscribed(peer, request)
    case .survey(let space, let known): surveyed(peer, space, known)
    case .inventory(let space, let items, let isLast): inventory(peer, space, items, isLast: isLast)
    case .gone(let space, let items, let isLast): await gone(peer, space, items, isLast: isLast)
    case .unsubscribe(let space):
      peers[peer]?.wanted[space] = nil
      forgetSurveys(of: space, by: peer)
      peers[peer]?.early[space] = nil
      engine.unsubscribed(peer, space)
    case .changes(let changes): await received(changes, from: peer)
    case .acknowledge(let acknowledge): acknowledged(peer, acknowledge)
    case .want(let space, let keys): await sendWhole(space, keys, to: peer)
    case .supplement(let space, let changes): await supplemented(space, changes, from: peer)
    case .moveAnswer(let space, let dot, let done):
      engine.moveAnswered(peer, space, dot, done: done)
      pump()
    case .data(let data): await mirror(ofRequest: data.request)?.received(data, from: peer)
    case .fetchFailed(let request, let reason):
      await mirror(ofRequest: request)?.fetchFailed(request, reason, from: peer)
    }
  }

  private func mirror(ofRequest request: UInt64) -> FolderMirror? {
    folders.values.first { $0.configuration.ownsRequest(request) }
  }

  private nonisolated(nonsending) func received(_ changes: SyncMessage.Changes, from peer: NodeID) async {
    guard let state = peers[peer], engine.received(peer, changes) else {
      pump()
      return
    }
    guard changes.space == .group || !state.lacksGroupRecords else {
      peers[peer]?.refused.postpone(changes.space)
      return engine.notStored(peer, changes.space)
    }
    let mirror = mirror(of: changes.space)
    if case .folder = changes.space, mirror == nil { return }
    let cursor =
      state.awaited[changes.space]?.isEmpty ?? true
      ? cursorMutation(state, changes.space, changes.through) : nil
    peers[peer]?.recording[changes.space, default: 0] += 1
    defer {
      if peers[peer]?.session == state.session { peers[peer]?.recording[changes.space, default: 1] -= 1 }
    }
    let items = withoutForgotten(changes.items, in: changes.space)
    let recording = recordingBegins(items, in: changes.space, from: peer)
    do throws(SoftadastraError) {
      var receipt = FolderMirror.Receipt()
      if let mirror {
        if DeliberateFault.cursorBeforeChanges.isOn, let cursor { try await store.wait(try store.commit([cursor])) }
        await mirror.feed(of: peer, isComplete: false)
        receipt = try await mirror.receive(items, from: peer, cursor: cursor)
        if changes.watermark != nil { await mirror.feed(of: peer, isComplete: true) }
        for answer in receipt.answers { hooks.enqueue(peer, .message(answer)) }
      } else {
        try await apply(items, in: changes.space, cursor: cursor)
        if changes.space == .group, changes.watermark != nil, peers[peer]?.session == state.session {
          peers[peer]?.lacksGroupRecords = false
          askAgain(peer)
        }
      }
      recordingEnded(recording, items, in: changes.space)
      // The peer may have gone and come back meanwhile: a new session starts from the cursor just recorded.
      guard peers[peer]?.session == state.session else { return }
      claims[changes.space]?.heard(items, from: peer)
      peers[peer]?.refused.recorded()
      engine.stored(
        peer, changes.space, through: changes.through, outstanding: receipt.outstanding, watermark: changes.watermark)
      expect(receipt, of: changes.items, in: changes.space, from: peer)
      // What was applied while its batch was still being recorded counts as well.
      let early = earlySettled.filter { $0.space == changes.space && $0.peer == peer }
      if !early.isEmpty {
        earlySettled.subtract(early)
        engine.settled(changes.space, early.map { ($0.peer, $0.sequence) })
      }
    } catch {
      recordingEnded(recording, items, in: changes.space)
      if peers[peer]?.session == state.session {
        engine.notStored(peer, changes.space)
        peers[peer]?.refused.refuse(changes.space)
        if changes.space == .group { peers[peer]?.lacksGroupRecords = true }
      }
      hooks.failed(peer, error)
      // Without the group's records no folder gets anything to record: none would notice by itself.
      if let failure = store.logFailure { for mirror in folders.values { await mirror.logFailed(failure) } }
    }
    pump()
  }

  private nonisolated(nonsending) func supplemented(_ space: SpaceID, _ changes: [Change], from peer: NodeID) async {
    guard case .folder(let id) = space, let mirror = folders[id], let state = peers[peer], !state.lacksGroupRecords
    else { return }
    let items = withoutForgotten(changes, in: space)
    let recording = recordingBegins(items, in: space, from: peer)
    do throws(SoftadastraError) {
      let receipt = try await mirror.receive(items, from: peer, cursor: nil)
      recordingEnded(recording, items, in: space)
      for answer in receipt.answers { hooks.enqueue(peer, .message(answer)) }
      if peers[peer]?.session == state.session {
        claims[space]?.heard(items, from: peer)
        expect(receipt, of: changes, in: space, from: peer)
      }
    } catch {
      recordingEnded(recording, items, in: space)
      hooks.failed(peer, error)
    }
    pump()
  }

  /// Notes what is to come whole, and what has come; with the last of it the cursor moves on.
  private func expect(_ receipt: FolderMirror.Receipt, of changes: [Change], in space: SpaceID, from peer: NodeID) {
    var awaited = peers[peer]?.awaited[space] ?? AwaitedChanges()
    let wasWaiting = !awaited.isEmpty
    let settled = awaited.answered(by: changes, outstanding: receipt.outstanding)
    awaited.insert(receipt.awaited)
    peers[peer]?.awaited[space] = awaited
    if !settled.isEmpty { engine.settled(space, settled.map { (peer, $0) }) }
    guard wasWaiting, awaited.isEmpty, let state = peers[peer], let known = engine.incomingKnown(peer, space) else {
      return
    }
    // Lost in a crash it is earned again.
    do throws(SoftadastraError) { try store.commit([cursorMutation(state, space, known)]) } catch {
      hooks.failed(peer, error)
    }
  }

  private nonisolated(nonsending) func sendWhole(_ space: SpaceID, _ keys: [[UInt8]], to peer: NodeID) async {
    guard case .folder(let id) = space, let mirror = folders[id] else { return }
    let changes = await mirror.wholeChanges(for: keys)
    var items: [Change] = []
    var bytes = 0
    for change in changes {
      items.append(change)
      bytes += change.encodedSizeEstimate
      guard bytes >= OutgoingChanges.messageBytes else { continue }
      hooks.enqueue(peer, .message(.supplement(space, items)))
      (items, bytes) = ([], 0)
    }
    if !items.isEmpty || changes.isEmpty { hooks.enqueue(peer, .message(.supplement(space, items))) }
  }
}
