internal import SoftadastraCore
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
  /// Changes that are on disk and not yet recorded; above it, applying waits for the barrier.
  private static let maxUnfinished = 24_576

  /// An item with what it was decided to do. Handed on from station to station: one reference.
  final class Step: Sendable {
    let item: PendingTree.Item
    /// What the synced tree will hold.
    let survivor: Survivor
    let copy: Reconciler.Copy?
    let operation: DiskOperation

    init(item: PendingTree.Item, survivor: Survivor, copy: Reconciler.Copy?, operation: DiskOperation) {
      self.item = item
      self.survivor = survivor
      self.copy = copy
      self.operation = operation
    }

    /// What no other loop may work on meanwhile.
    var paths: [BytePath] { [item.path] + (copy.map { [$0.path] } ?? []) }

    /// What was fetched has gone from the staging area: it is to be fetched again.
    func lacksStagedFile(_ error: SoftadastraError) -> Bool {
      if case .staged = operation.content { error.code == .notFound } else { false }
    }
  }

  func applyLoop() async {
    while isRunning {
      guard pending.hasQueued, !isStopping, configuration.mode != .sendOnly, unfinishedCount < Self.maxUnfinished
      else {
        if unfinishedCount >= Self.maxUnfinished { finishNow() }
        await sleepUntilWork()
        continue
      }
      let taken = pending.takeQueued(limit: Self.applyBatch, durable: store.durableSequence) {
        !self.busy.contains($0) && !self.dirty.contains($0) && !self.isMoving($0) && !self.resting.contains($0)
      }
      let items = taken.items
      guard !items.isEmpty else {
        // What is queued may wait for an older version of the same path to be recorded.
        if taken.isHeldUp { finishNow() }
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
          while finishing > 0 {
            finishNow()
            await sleepUntilWork()
          }
        }
        await apply(others)
      }
      isApplying = false
      resumeBatchWaiters()
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
    var batch = Unfinished()
    await gaugeSpace(for: items)
    for item in items {
      do throws(SoftadastraError) {
        if let step = try decide(item, &batch) { steps.append(step) }
      } catch {
        blockItem(item, error)
        release([item.path])
      }
    }
    let outcomes = await perform(steps)
    for (step, outcome) in zip(steps, outcomes) {
      switch outcome {
      case .applied, .rescued: batch.done.append(Done(of: step, outcome))
      case .changedLocally: retryAfterObserving(step)
      case .obstructed(let parent):
        await makeWay(for: step, at: parent)
        if let copy = step.copy { release([copy.path]) }
      case .failed(let error):
        if step.lacksStagedFile(error) {
          pending.update(step.item.path, step.item.entry.version.dot) { $0.stagedName = nil }
        }
        blockItem(step.item, error)
        release(step.paths)
      }
      // It was superseded meanwhile: what was fetched of it is nobody's.
      if !outcome.isOnDisk, pending[step.item.path, step.item.entry.version.dot] == nil { forgetFetch(step.item) }
    }
    // The bytes are in the file: they need not be held until it is durable.
    for done in batch.done { pending.update(done.item.path, done.item.entry.version.dot) { $0.content = nil } }
    releaseHeldSenders()
    batch.settled = batch.settled.map(\.withoutContent)
    finish(batch)
  }

  /// Decides on one item: what needs no disk work goes straight into the batch.
  private func decide(_ item: PendingTree.Item, _ batch: inout Unfinished) throws(SoftadastraError) -> Step? {
    // A directory's entry comes before its children's, here and in what this node passes on.
    if !item.entry.isDeleted, pending.isParentWaiting(item.path) {
      wait(item)
      return nil
    }
    let key = StoreKey.file(folder, item.path)
    let summary = store.summary(key)
    let local = try observer.entry(key, summary, item.path)
    let isImplicit = item.entry.value.map { !$0.isDirectory } ?? false && observer.hasLiveDescendants(item.path)
    if let local, Reconciler.isEditAgainstDeletion(local, item.entry) { host.report(.kept(item.path)) }
    switch Reconciler.decide(path: item.path, local: local, isImplicitDirectory: isImplicit, remote: item.entry) {
    case .keep(let joined):
      if let joined { batch.kept.append((item.path, Survivor(joined, over: item.entry.version))) }
      batch.settled.append(item)
      return nil
    case .keepLocal(let kept, let copy):
      // The loser is wanted under its copy's name, as an ordinary remote entry. Only when its bytes are here does the
      // winner count as having seen it: until then a local edit must not make others believe that the copy exists.
      if store.summary(StoreKey.file(folder, copy.path)) != nil {
        batch.kept.append((item.path, Survivor(kept, over: item.entry.version)))
      }
      wantCopy(copy, of: item, &batch)
      return nil
    case .directoryStays(let local, let seen, let copy):
      guard !pending.hasDescendants(of: item.path) else {
        // They may be about to go.
        wait(item)
        return nil
      }
      batch.kept.append(
        (
          item.path,
          Survivor(directory: local, seen: seen, over: item.entry.version, author: configuration.author)
        ))
      wantCopy(copy, of: item, &batch)
      return nil
    case .apply(let entry, let copy):
      if let copy, busy.contains(copy.path) {
        // Something else is being done there, perhaps in this very batch.
        wait(item)
        return nil
      }
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
      let survivor = local.map { Survivor(entry, over: $0.version) } ?? Survivor(entry)
      let operation = DiskOperation(
        path: item.path, wanted: entry,
        expected: local?.isDeleted == false && !brake.holds(item.path) ? summary?.tag : nil,
        expectsDirectory: local?.value?.isDirectory == true,
        implicitTag: local?.isDeleted == true ? summary?.tag : nil, content: content,
        copyPath: copy?.path, volume: volume, reader: reader,
        made: made, spares: spares)
      return Step(item: item, survivor: survivor, copy: copy, operation: operation)
    }
  }

  /// The loser of a conflict is wanted under its copy's name, in the place of the item.
  private func wantCopy(_ copy: Reconciler.Copy, of item: PendingTree.Item, _ batch: inout Unfinished) {
    var receipt = Receipt()
    var copied = PendingTree.Item(path: copy.path, entry: copy.entry, origins: item.origins, content: item.content)
    copied.stagedName = item.stagedName
    copied.isDerived = true
    queue(copied, from: nil, 0, &batch.records, &receipt)
    var done = item
    // Not so if the copy is recorded at this very moment: then it is here, and its senders are told of it alone.
    if let there = pending[copy.path, copy.entry.version.dot], item.origins.allSatisfy(there.origins.contains) {
      done.handedTo = FetchKey(path: copy.path, dot: copy.entry.version.dot)
    }
    batch.settled.append(done)
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

  private func distrustStaged(_ item: PendingTree.Item) {
    guard let name = item.stagedName, pending.isUnused(name, besides: item) else { return }
    forgetFetch(item)
    pending.update(item.path, item.entry.version.dot) { $0.stagedName = nil }
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
    if let failure {
      // What the disk could not take it may drop, and say so only once: nothing of these files is believed any more.
      if failure.code == .device {
        for step in steps { distrustStaged(step.item) }
        pausedPlans.removeAll()
      }
      return prepared.map { _ in .failed(failure) }
    }
    return await onPool(prepared) { $0.operation.place($0) }
  }
}
