public import SoftadastraCore
internal import SoftadastraFS
public import SoftadastraStore
public import SoftadastraSync

/// From a peer's feed to the remote tree.
extension FolderMirror {
  /// Between looks at a log that had no room.
  private static let fullLogNanoseconds: UInt64 = 1_000_000_000

  /// What a node tells the engine and the peer after changes were received.
  public struct Receipt: Sendable {
    /// Sequences in the peer's log that are known now and not applied yet.
    public var outstanding: [UInt64] = []
    public var answers: [SyncMessage] = []
    /// Could not be taken in, since the version that they differ from is not here: they come whole. Outstanding, too.
    public var awaited: [(key: [UInt8], sequence: UInt64)] = []

    public init() {}
  }

  /// Records the changes durably as known, then lets them be applied: what a crash leaves on disk of a change whose
  /// record was lost would be taken for somebody's edit.
  ///
  /// The cursor is left out if something is to be sent again whole: a cut or a kill would leave it out for ever.
  /// Suspends while much waits in memory: that is what holds a fast sender back. A change that makes no
  /// sense is refused by itself, with the reason; the others count.
  public func receive(_ changes: [Change], from peer: NodeID, cursor: Mutation?) async throws(SoftadastraError)
    -> Receipt
  {
    var receipt = Receipt()
    var records = RemoteRecords()
    for change in changes {
      if change.flags.contains(.move) {
        // Everything before the move must be settled for its digest to match.
        try await flush(&records)
        receipt.answers.append(await receiveMove(change))
        continue
      }
      switch decoded(change) {
      case .success(let item): queue(item, from: peer, change.sequence, &records, &receipt)
      case .failure(.baseMissing):
        receipt.awaited.append((change.key, change.sequence))
        receipt.outstanding.append(change.sequence)
      case .failure(.refused(let path, let error)):
        // Refused for good: it holds back nothing, and `status` says why.
        block(path, error)
      }
    }
    if let cursor, receipt.awaited.isEmpty { records.mutations.append(cursor) }
    try await flush(&records)
    let wanted = receipt.awaited.map(\.key)
    for start in stride(from: 0, to: wanted.count, by: SyncMessage.maxWantedKeys) {
      let keys = Array(wanted[start..<min(start + SyncMessage.maxWantedKeys, wanted.count)])
      receipt.answers.append(.want(.folder(folder), keys: keys))
    }
    applySignal.raise()
    while isRunning, isFull {
      await withCheckedContinuation { held.append($0) }
    }
    return receipt
  }

  private func flush(_ records: inout RemoteRecords) async throws(SoftadastraError) {
    let mutations = mutations(of: records)
    guard !mutations.isEmpty else { return }
    let ticket: CommitTicket
    do throws(SoftadastraError) {
      ticket = try store.commit(mutations)
    } catch {
      // A log that takes nothing any more helps nobody by being asked again: the folder says so and stops.
      if !error.isAboutResources { halt(error) }
      throw error
    }
    pending.recorded(records.items, at: ticket.sequences.upperBound)
    records = RemoteRecords()
    do throws(SoftadastraError) {
      try await store.wait(ticket)
    } catch {
      // A log without room writes later what it accepted.
      if error.wasAccepted { applyWhenDurable(ticket.sequences.upperBound) }
      throw error
    }
    applySignal.raise()
  }

  private func applyWhenDurable(_ sequence: UInt64) {
    Task {
      while self.isRunning, self.store.durableSequence < sequence {
        await self.time.sleep(nanoseconds: Self.fullLogNanoseconds)
      }
      self.applySignal.raise()
    }
  }

  private enum Refusal: Error {
    case baseMissing
    case refused(BytePath, SoftadastraError)
  }

  private func decoded(_ change: Change) -> Result<PendingTree.Item, Refusal> {
    guard change.key.first == UInt8(ascii: "p") else {
      return .failure(.refused(.root, wireError("an unknown kind of key")))
    }
    let raw = Array(change.key.dropFirst())
    do {
      let path = try BytePath(validating: raw)
      store.observe(change.version.stamp)
      var stored: StoredFileValue?
      if change.flags.contains(.delta), !change.isDeleted {
        stored = try StoredFileValue.decodingDelta(change.value) { dot in self.localManifest(of: path, dot) }
        if stored == nil { return .failure(.baseMissing) }
      } else if !change.isDeleted {
        stored = try StoredFileValue(decoding: change.value)
        if let manifest = stored?.value.manifest, manifest.byteCount != stored?.value.size {
          return .failure(.refused(path, wireError("size and chunks differ", path)))
        }
      }
      let entry = FileEntry(version: change.version, stored: stored, flags: change.flags)
      return .success(PendingTree.Item(path: path, entry: entry, origins: [], content: change.content))
    } catch {
      return .failure(.refused(BytePath(unchecked: raw), wireError("\(error)", BytePath(unchecked: raw))))
    }
  }

  private func wireError(_ why: String, _ path: BytePath = .root) -> SoftadastraError {
    SoftadastraError(.invalid, "change from a peer", at: path.description, why: why, retryable: false)
  }

  /// Of that version, if it is here or on its way.
  private func localManifest(of path: BytePath, _ dot: Dot) -> Manifest? {
    if let known = pending[path, dot] { return known.entry.value?.manifest }
    guard let entry = try? store.get(StoreKey.file(folder, path)), entry.version?.dot == dot, !entry.isDeleted else {
      return nil
    }
    return (try? FileEntry(entry, at: path.description))?.value?.manifest
  }

  /// Adds to the remote tree what is news; notes what else the sender must hear of later.
  func queue(
    _ item: PendingTree.Item, from peer: NodeID?, _ sequence: UInt64, _ records: inout RemoteRecords,
    _ receipt: inout Receipt
  ) {
    var item = item
    let origin = peer.map { PendingTree.Origin(peer: $0, sequence: sequence) }
    if let origin { item.origins.append(origin) }
    let dot = item.entry.version.dot
    let overtaken = dropOvertakenCopies(by: item, &records.mutations)
    item.origins += overtaken ?? []
    if isAlreadyHere(item) {
      if let overtaken { settleLater(overtaken) }
      return
    }
    if let newer = pending.supersedes(item.path, item.entry.version) {
      // Applied when the newer one is.
      pending.update(newer.path, newer.entry.version.dot) { $0.origins += item.origins }
      if origin != nil { receipt.outstanding.append(sequence) }
      return
    }
    let known = pending[item.path, dot]
    let isKnown = known?.record != nil
    let superseded = pending.add(item)
    for old in superseded {
      // A batch that is working on it needs the file that was fetched; it cleans up by itself.
      if !old.isBeingApplied { handOnFetch(old) }
      pending.update(item.path, dot) {
        $0.origins += old.origins
        $0.overtaken += old.overtaken + (old.entry.isDeleted ? [] : [old.entry])
      }
      if old.entry.isDeleted { records.mutations.append(.erase(key: remoteKey(old.path, old.entry.version.dot))) }
    }
    // A copy that was derived here and is offered by a peer has its bytes there, whichever came first: also after a restart.
    if !isKnown || known?.isDerived == true && !item.isDerived {
      records.items.append(FetchKey(path: item.path, dot: dot))
    }
    if origin != nil { receipt.outstanding.append(sequence) }
  }

  /// Conflict copies that were wanted and whose author has overwritten the bytes since: nobody has them, and nobody
  /// misses them. Returns who is to hear of it; nil if there was none.
  private func dropOvertakenCopies(
    by item: PendingTree.Item, _ mutations: inout [Mutation]
  ) -> [PendingTree.Origin]? {
    // One who lost them says nothing of whether they are here.
    if item.entry.isLost { return nil }
    var origins: [PendingTree.Origin]?
    let original = item.entry.isConflictCopy ? ConflictName.original(of: item.path) : nil
    for copy in pending.derivedCopies(of: original ?? item.path)
    where copy.entry.version.dot != item.entry.version.dot && item.entry.version.covers(copy.entry.version) {
      if !copy.isBeingApplied { forgetFetch(copy) }
      pending.remove(copy.path, copy.entry.version.dot)
      origins = (origins ?? []) + copy.origins
      mutations.append(.erase(key: remoteKey(copy.path, copy.entry.version.dot)))
      unblock(copy.path)
    }
    return origins
  }

  func settleLater(_ origins: [PendingTree.Origin]) {
    Task {
      await self.host.settled(.folder(self.folder), origins.map { ($0.peer, $0.sequence) })
      if self.pending.isEmpty { await self.host.nothingPending(.folder(self.folder)) }
    }
  }

  /// Cheap checks against the synced tree, so that echoes and repeats cost no log record.
  private func isAlreadyHere(_ item: PendingTree.Item) -> Bool {
    let key = StoreKey.file(folder, item.path)
    guard let summary = store.summary(key), let dot = summary.dot else { return false }
    // The same version; what its holder has seen besides may be news.
    if dot == item.entry.version.dot {
      return (try? store.get(key)?.version)?.vector.covers(item.entry.version.vector) ?? false
    }
    if item.entry.version.vector.covers(dot) { return false }
    guard let local = try? store.get(key)?.version else { return false }
    return local.covers(item.entry.version) && !DeliberateFault.oldVersionTaken.isOn
  }

  /// Of this replica's versions that are known and not applied yet; 0 if there are none.
  public func highestPendingCounter(of replica: ReplicaID) -> UInt64 {
    pending.keys.reduce(0) { $1.dot.replica == replica ? max($0, $1.dot.counter) : $0 }
  }

  /// Something is known here and not applied yet.
  public var hasPending: Bool { !pending.isEmpty }
  /// Nothing waits in either direction, blocked paths included.
  public var isSettled: Bool { isQuiet && pending.isEmpty && brake.held == nil }

  private var isFull: Bool {
    pending.inlineBytes > Self.maxInlineBytesHeld
      || pending.queuedCount > Self.maxQueuedHeld && configuration.mode != .sendOnly
  }

  func releaseHeldSenders() {
    guard !held.isEmpty, !isFull else { return }
    for waiter in held { waiter.resume() }
    held.removeAll()
  }
}
