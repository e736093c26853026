public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
public import SoftadastraSync

/// Getting the bytes of files that did not travel inside their change.
extension FolderMirror {
  /// Files fetched side by side: on a distant link, files just too large to travel inside their change fill the window.
  private static let maxFetches = 160
  /// Of so much what is here already is remembered while nobody has the rest.
  private static let minPausedBytes: UInt64 = 1 << 20

  /// Prepares the staged file: what a cut transfer, or the local version, has already need not travel.
  func startFetch(_ item: PendingTree.Item, _ local: FileEntry?) {
    let dot = item.entry.version.dot
    pending.update(item.path, dot) { $0.state = .fetching }
    let key = FetchKey(path: item.path, dot: dot)
    guard fetches[key] == nil, !seeding.contains(key), let manifest = item.entry.value?.manifest else { return }
    // What another version of it has got so far is to be had when that has ended.
    guard fetches.count + seeding.count < Self.maxFetches, !seeding.contains(where: { $0.path == item.path }) else {
      fetchQueue.append(key)
      return
    }
    let preparation = FetchSeeding(
      volume: volume, reader: reader, manifest: manifest, path: item.path, localManifest: local?.value?.manifest,
      spares: spares, paused: pausedPlans.removeValue(forKey: key))
    _ = self.seeding.insert(key)
    staged.insert(key.stagedName)
    Task {
      let seeded = await self.pool.run { preparation.run(stagedName: key.stagedName) }
      self.begin(key, item, manifest, seeded)
    }
  }

  private func begin(
    _ key: FetchKey, _ item: PendingTree.Item, _ manifest: Manifest,
    _ seeded: Result<FetchSeeding.Seeded, SoftadastraError>
  ) {
    seeding.remove(key)
    guard isRunning, pending[key.path, key.dot] != nil else {
      if isRunning, case .success = seeded, manifest.byteCount >= SpareVersions.minBytes,
        !pending.dots(at: key.path).isEmpty
      {
        handOn(key)
      } else {
        dropStaged(key.stagedName)
      }
      startNextFetches()
      return
    }
    switch seeded {
    case .failure(let error):
      blockItem(item, error)
      startNextFetches()
    case .success(let seeded):
      let plan = seeded.plan ?? FetchPlan(manifest, present: seeded.present, prefixes: seeded.prefixes)
      fetches[key] = FetchState(item: item, file: seeded.file, isBlank: seeded.isBlank, plan: plan)
      if fetches[key]!.plan.isComplete { completeFetch(key) } else { requestMore() }
    }
  }

  /// Lets as many of those that wait try (again) as there is room for. Some need no fetch any more: their content
  /// came inside a change that was sent once more.
  func startNextFetches() {
    var room = Self.maxFetches - fetches.count - seeding.count
    while room > 0, !fetchQueue.isEmpty {
      let key = fetchQueue.removeFirst()
      guard pending[key.path, key.dot] != nil else { continue }
      pending.requeue(key.path, key.dot)
      applySignal.raise()
      room -= 1
    }
  }

  /// Keeps the link full: asks every source in turn for the next ranges. What nobody can be asked for waits, visibly.
  func requestMore() {
    guard !sources.isEmpty else { return }
    var messages: [(NodeID, SyncMessage)] = []
    for key in fetches.keys {
      // A copy in a directory whose path leaves no room for its name: no peer would understand the request.
      guard key.path.bytes.count <= BytePath.maxBytes else {
        cancelFetch(key)
        if let item = pending[key.path, key.dot] { blockItem(item, Self.tooLong(key.path)) }
        continue
      }
      while let length = fetches[key]?.plan.nextLength {
        let usable = sources.filter { !fetches[key]!.plan.excluded.contains($0) }
        if usable.isEmpty {
          waitForSources(key)
          break
        }
        guard window.hasRoom, let peer = window.next(of: usable),
          let range = fetches[key]!.plan.take(request: nextRequest, from: peer)
        else { break }
        requests[nextRequest] = key
        window.ask(peer, length)
        messages.append(
          (
            peer,
            .fetch(
              SyncMessage.Fetch(
                request: nextRequest, folder: folder, path: key.path, dot: key.dot, offset: range.offset,
                length: UInt32(range.length)))
          ))
        nextRequest += 1
      }
    }
    guard !messages.isEmpty else { return }
    let host = self.host
    let toSend = messages
    Task { for (peer, message) in toSend { await host.send(peer, message) } }
  }

  /// Bytes that a peer sent: verified chunk by chunk, then written.
  public func received(_ data: SyncMessage.FetchedData, from peer: NodeID) async {
    guard let key = requests[data.request], let range = fetches[key]?.plan.answered(data.request, by: peer),
      let file = fetches[key]?.file, let isBlank = fetches[key]?.isBlank,
      let chunks = fetches[key]?.plan.chunks(of: range)
    else { return }
    requests[data.request] = nil
    window.deliver(peer, range.length)
    writing[key.stagedName, default: 0] += 1
    requestMore()
    let reader = self.reader
    let outcome: Result<Bool, SoftadastraError> = await pool.run {
      guard let whole = Self.completed(data.bytes, range, file),
        reader.verify(whole, Manifest(sizeClass: 0, chunks: chunks))
      else { return .success(false) }
      return data.bytes.withUnsafeBytes { bytes in
        do throws(SoftadastraError) {
          // A new file begins as a hole: what is all zeros needs no blocks.
          if !isBlank || !bytes.allSatisfy({ $0 == 0 }) { try file.write(at: range.offset, bytes) }
          return .success(true)
        } catch {
          return .failure(error)
        }
      }
    }
    writing[key.stagedName] = writing[key.stagedName].flatMap { $0 > 1 ? $0 - 1 : nil }
    // The transfer may have ended and begun anew meanwhile: this range is none of the new one's.
    guard fetches[key]?.file === file else { return requestMore() }
    switch outcome {
    case .success(true):
      fetches[key]?.plan.completed(range)
      if fetches[key]?.plan.isComplete == true { completeFetch(key) }
    case .success(false) where range.prefix > 0: fetches[key]?.plan.failedPrefix(range)
    case .success(false): fetches[key]?.plan.failed(range, excluding: peer)
    case .failure(let error):
      cancelFetch(key)
      // A part of what does not fit must not keep the room that others have need of.
      if error.code == .noSpace || error.code == .quota { dropStaged(key.stagedName) }
      if let item = pending[key.path, key.dot] { blockItem(item, error) }
    }
    requestMore()
  }

  /// With the bytes that were here already in front.
  private static func completed(_ bytes: SharedBytes, _ range: FetchPlan.Range, _ file: any StagedFile) -> SharedBytes?
  {
    guard range.prefix > 0 else { return bytes }
    var whole = [UInt8](repeating: 0, count: range.prefix)
    let count = whole.withUnsafeMutableBytes { try? file.read(at: range.offset - UInt64(range.prefix), into: $0) }
    guard count == range.prefix else { return nil }
    bytes.withUnsafeBytes { whole.append(contentsOf: $0) }
    return SharedBytes(whole)
  }

  public func fetchFailed(_ request: UInt64, _ reason: SyncMessage.FetchFailure, from peer: NodeID) {
    guard let key = requests[request], let range = fetches[key]?.plan.answered(request, by: peer) else { return }
    requests[request] = nil
    window.release(peer, range.length)
    fetches[key]?.plan.failed(range, excluding: peer)
    if reason == .superseded, replicas[peer] == key.dot.replica { fetches[key]?.isOverwrittenByAuthor = true }
    requestMore()
  }

  /// When nobody has the bytes for now, the item waits, visibly; a newer version usually comes first. Not while some
  /// of them are on their way or being verified: what is here by then need not be seeded again.
  private func waitForSources(_ key: FetchKey) {
    guard let state = fetches[key], state.plan.inFlight.isEmpty, writing[key.stagedName] == nil else { return }
    cancelFetch(key)
    guard let item = pending[key.path, key.dot] else { return }
    if state.isOverwrittenByAuthor, item.isDerived { return giveUp(item) }
    if state.plan.bytesDone >= Self.minPausedBytes, pausedPlans.count < Self.maxFetches {
      pausedPlans[key] = state.plan
      pausedPlans[key]!.forgiveAll()
    }
    blockItem(
      item,
      SoftadastraError(
        .network, "fetch", at: key.path.description, why: "no connected peer has this version's content",
        hint: "it goes on when one that has it connects"))
  }

  /// Nobody will ever have those bytes again: they were deleted and that is forgotten, or they are a conflict copy that
  /// nobody offered and that its author has overwritten or deleted.
  func giveUp(_ item: PendingTree.Item) {
    forgetFetch(item)
    pending.remove(item.path, item.entry.version.dot)
    unblock(item.path)
    // At once: it may be offered again, and recorded anew.
    let versions = [item.entry.version] + item.overtaken.map(\.version)
    commitLocal(versions.map { .erase(key: remoteKey(item.path, $0.dot)) })
    settleLater(item.origins)
    releaseHeldSenders()
    Task { await self.removeEmptiedParents(of: [item.path]) }
  }

  private func completeFetch(_ key: FetchKey) {
    fetches[key] = nil
    pending.update(key.path, key.dot) { $0.stagedName = key.stagedName }
    pending.requeue(key.path, key.dot)
    applySignal.raise()
    startNextFetches()
  }

  /// The item is not wanted any more, or was applied in another way: what was fetched of it goes, or of the item whose
  /// place it took.
  func forgetFetch(_ item: PendingTree.Item) {
    let key = item.key
    cancelFetch(key)
    if let overtaken = spares.takeOvertaken(item.path) { removeStagedSoon(overtaken) }
    guard !staged.isEmpty else { return }
    let own = key.stagedName
    if pending.isUnused(own, besides: item) { dropStaged(own) }
    if let name = item.stagedName, name != own, pending.isUnused(name, besides: item) { dropStaged(name) }
  }

  /// The item was overtaken by a newer version, which may begin with what was fetched of it.
  func handOnFetch(_ item: PendingTree.Item) {
    let key = item.key
    cancelFetch(key)
    guard item.entry.value?.size ?? 0 >= SpareVersions.minBytes, staged.contains(key.stagedName),
      !seeding.contains(key), writing[key.stagedName] == nil, pending.isUnused(key.stagedName, besides: item)
    else { return forgetFetch(item) }
    handOn(key)
  }

  private func handOn(_ key: FetchKey) {
    guard staged.remove(key.stagedName) != nil, let nobodys = spares.overtaken(key.stagedName, of: key.path) else {
      return
    }
    removeStagedSoon(nobodys)
  }

  private func dropStaged(_ name: String) {
    // While it is being filled it goes when that has ended.
    guard !DeliberateFault.stagingKept.isOn else { return }
    guard isRunning, staged.contains(name), !seeding.contains(where: { $0.stagedName == name }) else { return }
    staged.remove(name)
    removeStagedSoon(name)
  }

  private func removeStagedSoon(_ name: String) {
    let volume = self.volume
    Task { await self.pool.run { try? volume.removeStaged(name) } }
  }

  private func cancelFetch(_ key: FetchKey) {
    pausedPlans[key] = nil
    guard let state = fetches.removeValue(forKey: key) else { return }
    for (request, flight) in state.plan.inFlight {
      requests[request] = nil
      window.release(flight.peer, flight.range.length)
    }
    startNextFetches()
  }
}
