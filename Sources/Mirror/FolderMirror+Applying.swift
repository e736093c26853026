public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// From the remote tree to the disk and the synced tree.
///
/// Each batch goes through the same stations: decide (pure) → write new content → data barrier for what replaces
/// something → exchange, link, delete → barrier → one commit of the synced entries that erases the remote-tree
/// records → tell the senders. A crash at any point leaves remote-tree records whose wanted content is either on disk
/// (and is adopted) or not (and is applied again).
extension FolderMirror {
  private static let firstRetryNanoseconds: UInt64 = 1_000_000_000
  private static let maxRetryNanoseconds: UInt64 = 60_000_000_000
  private static let maxResourceRetryNanoseconds: UInt64 = 10_000_000_000
  /// Batches whose barrier and commit may be under way while the next one is worked on.
  private static let maxFinishing = 3
  /// So often an item may find the disk changed before it is shown as blocked.
  private static let maxAttempts = 5

  /// An item with what it was decided to do.
  struct Step: Sendable {
    let item: PendingTree.Item
    /// What the synced tree will hold.
    let entry: FileEntry
    let copy: Reconciler.Copy?
    let operation: DiskOperation
    /// What no other loop may work on meanwhile.
    var paths: [BytePath] { [item.path] + (copy.map { [$0.path] } ?? []) }
  }

  func applyLoop() async {
    while isRunning {
      guard pending.hasQueued, configuration.mode != .sendOnly, finishing < Self.maxFinishing else {
        await sleepUntilWork()
        continue
      }
      let items = pending.takeQueued(limit: Self.applyBatch) { !self.busy.contains($0) && !self.dirty.contains($0) }
      guard !items.isEmpty else {
        await sleepUntilWork()
        continue
      }
      isApplying = true
      noteProgress()
      busy.formUnion(items.map(\.path))
      // Deepest first, so that directories are empty when their turn comes.
      let deletions = items.filter(\.entry.isDeleted).sorted { $0.path > $1.path }
      let others = items.filter { !$0.entry.isDeleted }.sorted { $0.path < $1.path }
      if !deletions.isEmpty { await apply(deletions) }
      if !others.isEmpty {
        if !deletions.isEmpty || finishing > 0, others.contains(where: mayReplaceDirectory) {
          while finishing > 0 { await sleepUntilWork() }
        }
        await apply(others)
      }
      isApplying = false
      startNextFetches()
      noteProgress()
    }
  }

  private func sleepUntilWork() async {
    noteProgress()
    await withCheckedContinuation { applySignal.wait($0) }
  }

  /// A file whose name may still be a directory's: its descendants' deletions must be recorded first.
  private func mayReplaceDirectory(_ item: PendingTree.Item) -> Bool {
    item.entry.value?.isDirectory == false && observer.hasLiveDescendants(item.path)
  }

  private func apply(_ items: [PendingTree.Item]) async {
    var steps: [Step] = []
    var mutations: [Mutation] = []
    var settled: [PendingTree.Item] = []
    await gaugeSpace(for: items)
    for item in items {
      do throws(SoftadastraError) {
        if let step = try decide(item, &mutations, &settled) { steps.append(step) }
      } catch {
        blockItem(item, error)
        release([item.path])
      }
    }
    let outcomes = await perform(steps)
    var done: [(Step, DiskOperation.Outcome)] = []
    for (step, outcome) in zip(steps, outcomes) {
      switch outcome {
      case .applied, .rescued: done.append((step, outcome))
      case .changedLocally: retryAfterObserving(step)
      case .obstructed(let parent):
        await makeWay(for: step, at: parent)
        if let copy = step.copy { release([copy.path]) }
      case .failed(let error):
        blockItem(step.item, error)
        release(step.paths)
      }
    }
    guard !done.isEmpty || !mutations.isEmpty || !settled.isEmpty else { return }
    finishing += 1
    let before = lastFinish
    lastFinish = Task { await self.finish(done, mutations, settled, after: before) }
  }

  /// Decides on one item: what needs no disk work goes straight into `mutations` and `settled`.
  private func decide(
    _ item: PendingTree.Item, _ mutations: inout [Mutation], _ settled: inout [PendingTree.Item]
  ) throws(SoftadastraError) -> Step? {
    // A directory's entry comes before its children's, here and in what this node passes on.
    if !item.entry.isDeleted, pending.isParentWaiting(item.path) {
      wait(item)
      return nil
    }
    let key = StoreKey.file(folder, item.path)
    let summary = store.summary(key)
    let local = try observer.entry(key, summary, item.path)
    let isImplicit = item.entry.value.map { !$0.isDirectory } ?? false && observer.hasLiveDescendants(item.path)
    switch Reconciler.decide(path: item.path, local: local, isImplicitDirectory: isImplicit, remote: item.entry) {
    case .keep(let joined):
      if let joined, let summary {
        mutations.append(surviving(joined, over: item.entry.version).mutation(key: key, tag: summary.tag))
      }
      settled.append(item)
      return nil
    case .keepLocal(let kept, let copy):
      // The loser is wanted under its copy's name, as an ordinary remote entry. Only when its bytes are here does the
      // winner count as having seen it: until then a local edit must not make others believe that the copy exists.
      if store.summary(StoreKey.file(folder, copy.path)) != nil {
        mutations.append(surviving(kept, over: item.entry.version).mutation(key: key, tag: summary?.tag ?? 0))
      }
      wantCopy(copy, of: item, &mutations, &settled)
      return nil
    case .directoryStays(let local, let seen, let copy):
      guard !pending.hasDescendants(of: item.path) else {
        // They may be about to go.
        wait(item)
        return nil
      }
      mutations.append(directoryMutation(key, local, seen: seen, tag: summary?.tag ?? 0))
      wantCopy(copy, of: item, &mutations, &settled)
      return nil
    case .apply(let entry, let copy):
      guard let content = content(for: item, local) else {
        try admit(item.entry.value?.size ?? 0, for: item.path)
        startFetch(item, local)
        release([item.path])
        return nil
      }
      if case .inline(let bytes) = content { try admit(UInt64(bytes.count), for: item.path) }
      if let copy {
        host.report(.conflict(item.path, copy: copy.path))
        // Seen before it is recorded, the copy would be taken for a file that somebody made here.
        busy.insert(copy.path)
      }
      let entry = local.map { surviving(entry, over: $0.version) } ?? entry
      let operation = DiskOperation(
        path: item.path, wanted: entry,
        expected: local?.isDeleted == false && !brake.holds(item.path) ? summary?.tag : nil, content: content,
        copyPath: copy?.path, volume: volume, reader: reader, made: made)
      return Step(item: item, entry: entry, copy: copy, operation: operation)
    }
  }

  /// The survivor of a conflict, under a new version where its own must not cover the loser's.
  private func surviving(_ entry: FileEntry, over loser: Version) -> FileEntry {
    guard ConflictRule.mustRenew(entry.version, over: loser) else { return entry }
    return entry.with(store.newVersion(basedOn: entry.version.vector, author: configuration.author))
  }

  /// The loser of a conflict is wanted under its copy's name, in the place of the item.
  private func wantCopy(
    _ copy: Reconciler.Copy, of item: PendingTree.Item, _ mutations: inout [Mutation],
    _ settled: inout [PendingTree.Item]
  ) {
    var receipt = Receipt()
    var copied = PendingTree.Item(path: copy.path, entry: copy.entry, origins: item.origins, content: item.content)
    copied.stagedName = item.stagedName
    copied.isDerived = true
    queue(copied, from: nil, 0, &mutations, &receipt)
    var done = item
    if pending[copy.path, copy.entry.version.dot] != nil {
      done.handedTo = FetchKey(path: copy.path, dot: copy.entry.version.dot)
    }
    settled.append(done)
    host.report(.conflict(item.path, copy: copy.path))
  }

  private func content(for item: PendingTree.Item, _ local: FileEntry?) -> DiskOperation.Content? {
    guard let value = item.entry.value, case .file(let size, _, _) = value.kind else {
      return DiskOperation.Content.none
    }
    if let localValue = local?.value, localValue.hasSameContent(as: value) { return .unchanged }
    if size == 0 { return DiskOperation.Content.none }
    if let name = item.stagedName { return .staged(name) }
    return item.content.map { .inline($0) }
  }

  private func perform(_ steps: [Step]) async -> [DiskOperation.Outcome] {
    let operations = steps.map(\.operation)
    guard operations.contains(where: \.isReplacement) else { return await onPool(operations) { $0.perform() } }
    // Replacements: bytes first, then one barrier, then the exchanges.
    let prepared = await onPool(operations) { $0.prepare() }
    let volume = self.volume
    let replacements = prepared.filter(\.operation.isReplacement)
    let failure: SoftadastraError? = await pool.run {
      do throws(SoftadastraError) {
        if replacements.count > 2 {
          try volume.barrier()
        } else {
          for replacement in replacements { try replacement.staged?.sync() }
        }
        return nil
      } catch {
        return error
      }
    }
    if let failure { return prepared.map { _ in .failed(failure) } }
    return await onPool(prepared) { $0.operation.place($0) }
  }

  /// Makes what was done durable, then records it.
  private func finish(
    _ done: [(Step, DiskOperation.Outcome)], _ mutations: [Mutation], _ settled: [PendingTree.Item],
    after before: Task<Void, Never>?
  ) async {
    let volume = self.volume
    let failure: SoftadastraError? =
      done.isEmpty
      ? nil
      : await pool.run {
        do throws(SoftadastraError) {
          try volume.barrier()
          return nil
        } catch {
          return error
        }
      }
    // Recorded in the order in which it was done: a directory before what is in it.
    await before?.value
    if let failure {
      for (step, _) in done { blockItem(step.item, failure) }
    } else {
      await record(done, mutations, settled)
    }
    finishing -= 1
    release(done.flatMap(\.0.paths) + settled.map(\.path))
    applySignal.raise()
    noteProgress()
  }

  private func record(
    _ done: [(Step, DiskOperation.Outcome)], _ mutations: [Mutation], _ settled: [PendingTree.Item]
  ) async {
    var mutations = mutations
    for (step, outcome) in done {
      let key = StoreKey.file(folder, step.item.path)
      switch outcome {
      case .applied(let fingerprint, let copyFingerprint):
        mutations.append(step.entry.mutation(key: key, tag: fingerprint))
        if step.entry.value?.isDirectory == true { made.remove(step.item.path) }
        if case .file = step.entry.value?.kind { readAgainWhenSettled(step.item.path) }
        if step.entry.isConflictCopy { mutations += absorbed(step.entry, at: step.item.path) }
        if let copy = step.copy, let copyFingerprint {
          let copyKey = StoreKey.file(folder, copy.path)
          if store.summary(copyKey) == nil { mutations.append(copy.entry.mutation(key: copyKey, tag: copyFingerprint)) }
        }
      case .rescued(let fingerprint, let rescue):
        mutations.append(step.entry.mutation(key: key, tag: fingerprint))
        markDirty(rescue)
        host.report(.conflict(step.item.path, copy: rescue))
      case .changedLocally, .failed, .obstructed: break
      }
    }
    mutations += madeParents(of: done.map(\.0.item.path))
    let finished = settled + done.map(\.0.item)
    for item in finished { mutations.append(.erase(key: remoteKey(item.path, item.entry.version.dot))) }
    do throws(SoftadastraError) {
      let ticket = try store.commit(mutations)
      try await store.wait(ticket)
    } catch {
      guard error.isAboutResources else { return halt(error) }
      // The log has no room. The disk holds what was wanted: that is found, and recorded, at the next try.
      for item in finished { blockItem(item, error) }
      return
    }
    var origins: [(peer: NodeID, sequence: UInt64)] = []
    for item in finished {
      // Others may have sent the same meanwhile: what is in the tree now counts, not the copy that was taken.
      let senders = pending[item.path, item.entry.version.dot]?.origins ?? item.origins
      if let copy = item.handedTo, pending[copy.path, copy.dot] != nil {
        pending.update(copy.path, copy.dot) { $0.origins += senders.filter { !item.origins.contains($0) } }
      } else if item.handedTo == nil {
        origins += senders.map { ($0.peer, $0.sequence) }
      } else {
        origins += senders.filter { !item.origins.contains($0) }.map { ($0.peer, $0.sequence) }
      }
      pending.remove(item.path, item.entry.version.dot)
      unblock(item.path)
    }
    for item in settled where pending.isUnused(item.stagedName) { forgetFetch(item) }
    for (step, _) in done {
      let key = FetchKey(path: step.item.path, dot: step.item.entry.version.dot)
      if case .staged(key.stagedName) = step.operation.content { staged.remove(key) } else { forgetFetch(step.item) }
      host.report(step.entry.isDeleted ? .deleted(step.item.path) : .received(step.item.path))
      if step.entry.isDeleted { await removeEmptiedParents(of: [step.item.path]) }
    }
    releaseHeldSenders()
    await host.settled(.folder(folder), origins)
    if pending.isEmpty { await host.nothingPending(.folder(folder)) }
  }

  /// The winner that a fetched copy lost against has seen it from now on.
  private func absorbed(_ copy: FileEntry, at path: BytePath) -> [Mutation] {
    guard let original = ConflictName.original(of: path) else { return [] }
    let key = StoreKey.file(folder, original)
    let summary = store.summary(key)
    guard let winner = try? observer.entry(key, summary, original), !winner.version.covers(copy.version),
      copy.version.compare(winner.version) == .concurrent
    else { return [] }
    let survivor = surviving(winner.with(winner.version.absorbing(copy.version)), over: copy.version)
    return [survivor.mutation(key: key, tag: summary?.tag ?? 0)]
  }

  // MARK: What does not work out

  private func retryAfterObserving(_ step: Step) {
    let path = step.item.path
    let dot = step.item.entry.version.dot
    let attempts = step.item.attempts + 1
    pending.update(path, dot) { $0.attempts = attempts }
    if attempts > Self.maxAttempts {
      blockItem(
        step.item,
        SoftadastraError(
          .conflict, "apply", at: path.description, why: "something that is not synchronised is in the way",
          hint: "move it elsewhere", retryable: true))
    } else {
      pending.requeue(path, dot)
      deferred.insert(path)
    }
    release(step.paths)
    // What is below a directory, or the parent that is not what it was, may be the reason.
    rescan(path)
    if !path.parent.isRoot { markDirty(path.parent) }
    observeSignal.raise()
  }

  func blockItem(_ item: PendingTree.Item, _ error: SoftadastraError) {
    let dot = item.entry.version.dot
    let attempts = min(item.attempts + 1, 16)
    let maxDelay = error.isAboutResources ? Self.maxResourceRetryNanoseconds : Self.maxRetryNanoseconds
    let delay = min(Self.firstRetryNanoseconds << UInt64(attempts - 1), maxDelay)
    let retryAt = time.monotonicNanoseconds() + delay
    pending.update(item.path, dot) {
      $0.attempts = attempts
      $0.state = .blocked(error, retryAt: retryAt, attempts: attempts)
    }
    // Memory: what waits for long is fetched again.
    if pending.inlineBytes > Self.maxInlineBytesHeld / 2 { pending.update(item.path, dot) { $0.content = nil } }
    releaseHeldSenders()
    block(item.path, error)
    Task {
      await self.time.sleep(nanoseconds: delay + 1_000_000)
      self.retryDue()
    }
  }

  func retryDue() {
    pending.requeueDue(now: time.monotonicNanoseconds())
    if pending.hasQueued { applySignal.raise() }
  }

  /// `sync retry`: at once, whatever the back-off.
  public func retry(_ path: BytePath) {
    pending.requeueDue(now: .max, path: path)
    rescan(path)
    applySignal.raise()
  }
}
