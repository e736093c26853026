internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// From the disk, once it is durable, to the record in the synced tree.
///
/// One barrier at a time: what is applied while it runs shares the next one. So applying never waits for the disk.
/// How far apart they are is `BarrierPace`'s to say; whoever waits for the end of it gets one at once.
extension FolderMirror {
  /// After so long the bytes of a loser that was set aside are compared with its entry.
  private static let setAsideMilliseconds = 50

  /// A change that is on disk. Many wait at a time for the same barrier: one reference.
  final class Done: Sendable {
    let item: PendingTree.Item
    let survivor: Survivor
    let copy: Reconciler.Copy?
    let outcome: DiskOperation.Outcome
    /// Only mode and mtime were set.
    let isUnchanged: Bool

    /// With the version it was decided on.
    var entry: FileEntry { survivor.entry }
    /// What no other loop may work on meanwhile.
    var paths: [BytePath] { [item.path] + (copy.map { [$0.path] } ?? []) }

    init(of step: Step, _ outcome: DiskOperation.Outcome) {
      item = step.item.withoutContent
      survivor = step.survivor
      copy = step.copy
      self.outcome = outcome
      if case .unchanged = step.operation.content { isUnchanged = true } else { isUnchanged = false }
    }
  }

  /// One batch on its way into the log.
  struct Unfinished: Sendable {
    var done: [Done] = []
    /// What stays as it is on disk, under another version. The fingerprint may be noted anew until it is recorded.
    var kept: [(path: BytePath, survivor: Survivor)] = []
    /// Of conflict copies that are wanted now.
    var records = RemoteRecords()
    var settled: [PendingTree.Item] = []

    var items: [PendingTree.Item] { settled + done.map(\.item) }
    var count: Int { settled.count + done.count }
    /// What no other loop may work on meanwhile.
    var paths: [BytePath] { settled.map(\.path) + done.flatMap(\.paths) }
    var isEmpty: Bool { done.isEmpty && kept.isEmpty && records.isEmpty && settled.isEmpty }
  }

  func finish(_ batch: Unfinished) {
    guard !batch.isEmpty else { return }
    finishing += 1
    unfinishedCount += batch.count
    unfinished.append(batch)
    if batch.done.contains(where: \.entry.isDeleted) { hasUnfinishedDeletions = true }
    finishIfDue()
  }

  /// What is unfinished is waited for.
  func finishNow() {
    guard finishing > 0 else { return }
    mustFinish = true
    finishIfDue()
  }

  private func finishIfDue() {
    guard !isFinishing, !unfinished.isEmpty else { return }
    guard isFinishDue else { return planFinish() }
    isFinishing = true
    Task { await self.finishAll() }
  }

  private var isFinishDue: Bool {
    guard !unfinished.isEmpty else { return false }
    let isWaitedFor = mustFinish || (hasUnfinishedDeletions || !idleWaiters.isEmpty) && !pending.hasQueued
    return isWaitedFor || barrierPace.isDue(time.monotonicNanoseconds(), changes: unfinishedCount)
  }

  /// Looks again when the next barrier is due, or when nothing more has come for a while.
  private func planFinish() {
    guard !isFinishPlanned else { return }
    isFinishPlanned = true
    let now = time.monotonicNanoseconds()
    let dueAt = barrierPace.dueAt(unfinishedCount)
    let delay = min(dueAt > now ? dueAt - now : 0, BarrierPace.quietNanoseconds)
    let count = unfinishedCount
    Task {
      await self.time.sleep(nanoseconds: delay)
      self.isFinishPlanned = false
      if self.unfinishedCount == count { self.mustFinish = true }
      self.finishIfDue()
    }
  }

  /// Makes what was done durable, then records it.
  private func finishAll() async {
    while isFinishDue {
      mustFinish = false
      hasUnfinishedDeletions = false
      let batches = unfinished
      unfinished.removeAll()
      let durable = store.durableSequence
      let needsBarrier = !batches.allSatisfy(\.done.isEmpty)
      let failure = needsBarrier ? await barrier() : nil
      if let failure {
        if failure.code == .device { pausedPlans.removeAll() }
        // Also what needed no work on disk: its records go with the batch.
        holdBack(batches, failure)
      } else {
        await record(withoutOrphans(batches), needsBarrier ? [durableMark(durable)] : [])
      }
      finishing -= batches.count
      unfinishedCount -= batches.reduce(0) { $0 + $1.count }
      release(batches.flatMap(\.paths))
      applySignal.raise()
      noteProgress()
    }
    isFinishing = false
    finishIfDue()
  }

  /// What could not be recorded is tried again. The disk holds what was done: a look at it finds that, also where the
  /// content is held nowhere else any more.
  private func holdBack(_ batches: [Unfinished], _ error: SoftadastraError) {
    for batch in batches { for item in batch.items { blockItem(item, error) } }
    deferred.formUnion(batches.flatMap(\.done).map(\.item.path))
  }

  /// Leaves out what lies in a directory that could not be made or recorded: nobody is told of a child before its directory.
  private func withoutOrphans(_ batches: [Unfinished]) -> [Unfinished] {
    guard hasBlockedDirectories else { return batches }
    return batches.map { batch in
      var batch = batch
      batch.done.removeAll { done in
        guard !done.entry.isDeleted, pending.isParentWaiting(done.item.path) else { return false }
        wait(done.item)
        return true
      }
      return batch
    }
  }

  private func barrier() async -> SoftadastraError? {
    let volume = self.volume
    let start = time.monotonicNanoseconds()
    defer { barrierPace.ended(at: time.monotonicNanoseconds(), startedAt: start) }
    return await pool.run {
      do throws(SoftadastraError) {
        try volume.barrier()
        return nil
      } catch {
        return error
      }
    }
  }

  private func record(_ batches: [Unfinished], _ mark: [Mutation]) async {
    do throws(SoftadastraError) {
      var last: CommitTicket?
      for batch in batches {
        let ticket = try store.commit(mutations(of: batch) + mark)
        pending.recorded(batch.records.items, at: ticket.sequences.upperBound)
        last = ticket
        // Only now: the batch may have decided about the winner, too.
        let absorbed = absorbedCopies(of: batch)
        if !absorbed.isEmpty { last = try store.commit(absorbed) }
      }
      if let last { try await store.wait(last) }
    } catch {
      guard error.isAboutResources else { return halt(error) }
      // The log has no room. The disk holds what was wanted: that is found, and recorded, at the next try.
      holdBack(batches, error)
      return
    }
    var origins: [(peer: NodeID, sequence: UInt64)] = []
    for item in batches.lazy.flatMap(\.items) {
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
    for item in batches.lazy.flatMap(\.settled) {
      forgetFetch(item)
      // What stays as it is may be gone meanwhile: nobody believed that while something was wanted here.
      if store.summary(StoreKey.file(folder, item.path))?.isDeleted == false { deferred.insert(item.path) }
    }
    var deleted: [BytePath] = []
    for done in batches.lazy.flatMap(\.done) {
      // Mostly its staged file lies in the folder by now; where the disk held the bytes already, it was not needed.
      forgetFetch(done.item)
      host.report(done.entry.isDeleted ? .deleted(done.item.path) : .received(done.item.path))
      if done.entry.isDeleted { deleted.append(done.item.path) }
    }
    // What was settled without work on disk may have been the last thing that a directory lived for, too.
    await removeEmptiedParents(of: deleted + batches.flatMap(\.settled).map(\.path))
    releaseHeldSenders()
    await host.settled(.folder(folder), origins)
    guard pending.isEmpty else { return }
    hasBlockedDirectories = false
    await host.nothingPending(.folder(folder))
  }

  /// The synced entries of a batch, and the end of its remote-tree records.
  private func mutations(of batch: Unfinished) -> [Mutation] {
    var mutations = batch.kept.map { path, survivor in
      let key = StoreKey.file(folder, path)
      return survivor.drawn(from: store).mutation(key: key, tag: store.summary(key)?.tag ?? 0)
    }
    mutations += self.mutations(of: batch.records)
    for done in batch.done {
      let path = done.item.path
      let key = StoreKey.file(folder, path)
      switch done.outcome {
      case .applied where DeliberateFault.tombstoneDropped.isOn && done.entry.isDeleted:
        mutations.append(.erase(key: key))
      case .applied(let fingerprint, let copyFingerprint):
        mutations.append(done.survivor.drawn(from: store).mutation(key: key, tag: fingerprint))
        if done.entry.value?.isDirectory == true { made.remove(path) }
        // New times on a file that somebody may have written to at that moment: its bytes decide, not its fingerprint.
        if done.isUnchanged { unsettled.insert(path) }
        if case .file = done.entry.value?.kind { readAgainWhenSettled(path) }
        if let copy = done.copy, let copyFingerprint {
          let copyKey = StoreKey.file(folder, copy.path)
          if store.summary(copyKey) == nil { mutations.append(copy.entry.mutation(key: copyKey, tag: copyFingerprint)) }
          // It may have been written to at the moment it was set aside, before its fingerprint was noted.
          if case .file = copy.entry.value?.kind {
            unsettled.insert(copy.path)
            lookAgain(at: [copy.path], afterMilliseconds: Self.setAsideMilliseconds)
          }
        }
      case .rescued(let fingerprint, let rescue):
        mutations.append(done.survivor.drawn(from: store).mutation(key: key, tag: fingerprint))
        // It may be a whole directory.
        rescan(rescue)
        host.report(.conflict(path, copy: rescue))
      case .changedLocally, .failed, .obstructed: break
      }
    }
    mutations += madeParents(of: batch.done.map(\.item.path))
    for item in batch.items {
      mutations.append(.erase(key: remoteKey(item.path, item.entry.version.dot)))
      for old in pending[item.path, item.entry.version.dot]?.overtaken ?? item.overtaken {
        mutations.append(.erase(key: remoteKey(item.path, old.version.dot)))
      }
    }
    return mutations
  }

  /// The winners that fetched copies lost against have seen them from now on.
  ///
  /// A winner that is being decided on elsewhere stays as it is: it would be overwritten by what is decided. Then its
  /// next edit has not seen the copy, whose entry is there all the same.
  private func absorbedCopies(of batch: Unfinished) -> [Mutation] {
    let copies = batch.done.filter { $0.entry.isConflictCopy && $0.outcome.isApplied }
    guard !copies.isEmpty else { return [] }
    let own = Set(batch.done.flatMap(\.paths) + batch.settled.map(\.path))
    var winners: [BytePath: (entry: FileEntry, tag: UInt64)] = [:]
    for copy in copies {
      guard let original = ConflictOriginals.of(copy.item.path, copy.entry, in: folder, store),
        !busy.contains(original) || own.contains(original)
      else { continue }
      let key = StoreKey.file(folder, original)
      let summary = store.summary(key)
      guard let winner = winners[original]?.entry ?? (try? observer.entry(key, summary, original)),
        !winner.version.covers(copy.entry.version), copy.entry.version.compare(winner.version) == .concurrent
      else { continue }
      let absorbing = winner.with(winner.version.absorbing(copy.entry.version))
      winners[original] = (Survivor(absorbing, over: copy.entry.version).drawn(from: store), summary?.tag ?? 0)
    }
    return winners.sorted { $0.key < $1.key }.map { $1.entry.mutation(key: StoreKey.file(folder, $0), tag: $1.tag) }
  }
}
