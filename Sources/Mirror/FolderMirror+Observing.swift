internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// From the disk to the synced tree.
extension FolderMirror {
  /// A file that changes while it is read is looked at again after this long.
  static let changingDelayNanoseconds: UInt64 = 200_000_000
  static let failedDelayMilliseconds = 5000
  /// A file whose reading takes this long, and that changes meanwhile, rests for five times as long: a program that writes to
  /// it all the time would have it read all the time.
  private static let longReadNanoseconds: UInt64 = 250_000_000
  private static let restFactor: UInt64 = 5
  private static let maxRestNanoseconds: UInt64 = 60_000_000_000
  /// More than a commit takes may go at once: a directory of millions.
  private static let deletionsAtOnce = 64 << 10
  /// Fewer paths are looked at without a pause.
  private static let pausingBatch = 256

  func observeLoop() async {
    while isRunning {
      if dirty.isEmpty, frontier.isEmpty, moves.isEmpty {
        noteProgress()
        await withCheckedContinuation { observeSignal.wait($0) }
        continue
      }
      isObserving = true
      await letPeersTake()
      await takeMoves()
      if scanWidth.isDue(waiting: dirty.count, now: time.monotonicNanoseconds()) { await scanFrontier() }
      await observeDirty()
      await judgeDeletions()
      isObserving = false
    }
  }

  private func letPeersTake() async {
    guard dirty.count >= Self.pausingBatch || !frontier.isEmpty, !sources.isEmpty else { return }
    pace.batchBegins()
    while pace.waits(taken: recentContent.takenWhileCrowded) {
      await time.sleep(nanoseconds: ObservingPace.pauseNanoseconds)
    }
  }

  private func observeDirty() async {
    guard !dirty.isEmpty else { return }
    noteProgress()
    let batch = nextToObserve()
    dirty.subtract(batch)
    scanRest?.subtract(batch)
    busy.formUnion(batch)
    let before = batch.map { store.summary(StoreKey.file(folder, $0))?.sequence }
    let observer = self.observer
    let unsettled = self.unsettled.intersection(batch)
    self.unsettled.subtract(unsettled)
    let written = self.written.intersection(batch)
    self.written.subtract(written)
    let kept = Dictionary(uniqueKeysWithValues: batch.compactMap { path in fresh.found(path).map { (path, $0) } })
    let time = self.time
    let looks = await onPool(batch) { path -> (observation: Observation, cost: UInt64) in
      if let found = kept[path], let observation = observer.confirmed(found, path) { return (observation, 0) }
      let begun = time.monotonicNanoseconds()
      let observation = observer.observe(
        path, trustsFingerprint: !unsettled.contains(path), isWritten: written.contains(path))
      return (observation, time.monotonicNanoseconds() - begun)
    }
    let observations = looks.map(\.observation)
    // A synced entry that changed meanwhile was changed by this actor only, never at a busy path.
    var accepted: [(BytePath, Observation)] = []
    for (index, path) in batch.enumerated() {
      let isOvertaken = store.summary(StoreKey.file(folder, path))?.sequence != before[index]
      if isOvertaken || observations[index].isUndecided {
        // The next look must not believe a fingerprint that this one was not to believe.
        if written.contains(path) { self.written.insert(path) }
        if unsettled.contains(path) { self.unsettled.insert(path) }
      }
      guard !isOvertaken else {
        deferred.insert(path)
        continue
      }
      if waitsAsFresh(path, observations[index], before[index]) { continue }
      if looks[index].cost >= Self.longReadNanoseconds, case .changing = observations[index] {
        resting.insert(path)
        lookAgain(atChanging: [path], after: min(looks[index].cost * Self.restFactor, Self.maxRestNanoseconds))
        continue
      }
      accepted.append((path, observations[index]))
    }
    await record(accepted)
    release(batch)
  }

  /// What a peer has at the same path decides on it at once.
  private func waitsAsFresh(_ path: BytePath, _ observation: Observation, _ recorded: UInt64?) -> Bool {
    let isNew = recorded == nil && pending.dots(at: path).isEmpty
    let delay = fresh.delay(
      path, observation, isNew: isNew, wall: time.wallMilliseconds() * 1_000_000,
      monotonic: time.monotonicNanoseconds())
    guard let delay else { return false }
    // It has appeared, whenever that is recorded.
    _ = passesBrake(path, observation)
    lookAgain(atChanging: [path], after: delay)
    return true
  }

  private func nextToObserve() -> [BytePath] {
    defer { urgent.removeAll() }
    guard dirty.count > Self.observeBatch else { return dirty.sorted() }
    return urgent.intersection(dirty).union(dirty.prefix(Self.observeBatch)).sorted()
  }

  /// Turns observations into versions, in one commit.
  func record(_ observations: [(BytePath, Observation)]) async {
    let findings = classified(observations)
    var mutations = findings.mutations
    var again = findings.again
    var contents: [(at: Int, bytes: [UInt8])] = []
    // Deletions first: a peer that puts a file in a directory's place must have seen the directory emptied.
    let gone = findings.absent.isEmpty ? Deletions() : await deletions(findings.absent)
    var deletions = gone.mutations
    // Versions are drawn after everything that is waited for, and committed at once: see `Survivor`.
    for (key, survivor, fingerprint) in findings.taken {
      mutations.append(survivor.drawn(from: store).mutation(key: key, tag: fingerprint))
    }
    for (path, found) in findings.edited {
      if !found.value.value.isDirectory, gone.undecided.contains(where: { $0 != path && $0.isWithin(path) }) {
        again.append(path)
        continue
      }
      guard let mutation = localChange(path, StoreKey.file(folder, path), found) else { continue }
      if found.isRecent { readAgainWhenSettled(path) }
      if let inline = found.inline, !inline.isEmpty, !sources.isEmpty { contents.append((mutations.count, inline)) }
      mutations.append(mutation)
    }
    if !made.isEmpty { mutations += madeParents(of: findings.adopted.map(\.path) + findings.edited.map(\.path)) }
    lookAgain(atChanging: again, after: Self.changingDelayNanoseconds)
    lookAgain(at: findings.failed + gone.undecided, afterMilliseconds: Self.failedDelayMilliseconds)
    while deletions.count > Self.deletionsAtOnce {
      commitLocal(Array(deletions.prefix(Self.deletionsAtOnce)))
      deletions.removeFirst(Self.deletionsAtOnce)
    }
    let ticket = commitLocal(deletions + mutations)
    if let ticket {
      let first = ticket.sequences.lowerBound + UInt64(deletions.count)
      for content in contents { recentContent.remember(content.bytes, of: first + UInt64(content.at)) }
    }
    if !findings.absent.isEmpty { await removeEmptiedParents(of: findings.absent) }
    // A crash may have come between the last thing in it and the directory itself.
    if !findings.implicit.isEmpty { await removeEmptied(findings.implicit) }
    // What is not recorded is not settled either.
    if ticket != nil { await settle(findings.adopted) }
  }

  private func settle(_ adopted: [PendingTree.Item]) async {
    guard !adopted.isEmpty else { return }
    var origins: [PendingTree.Origin] = []
    for item in adopted {
      forgetFetch(item)
      // Others may have sent the same meanwhile.
      origins += pending[item.path, item.entry.version.dot]?.origins ?? []
      pending.remove(item.path, item.entry.version.dot)
    }
    await host.settled(.folder(folder), origins.map { ($0.peer, $0.sequence) })
    if pending.isEmpty { await host.nothingPending(.folder(folder)) }
  }
}
