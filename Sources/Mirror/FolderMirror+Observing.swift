internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// From the disk to the synced tree.
extension FolderMirror {
  /// A file that changes while it is read is looked at again after this long.
  private static let changingDelayMilliseconds = 200
  private static let failedDelayMilliseconds = 5000

  func observeLoop() async {
    while isRunning {
      if dirty.isEmpty, frontier.isEmpty, moves.isEmpty {
        noteProgress()
        await withCheckedContinuation { observeSignal.wait($0) }
        continue
      }
      isObserving = true
      await takeMoves()
      await scanFrontier()
      await observeDirty()
      await judgeDeletions()
      isObserving = false
    }
  }

  private func scanFrontier() async {
    guard !frontier.isEmpty else { return }
    noteProgress()
    let directories = Array(frontier.suffix(256))
    frontier.removeLast(directories.count)
    let scan = TreeScan(folder: folder, store: store, volume: volume, isIgnored: isIgnored)
    for (directory, result) in zip(directories, await onPool(directories, { scan.compare($0) })) {
      brake.listed(directory)
      if result.unreadable.isEmpty, unsupported[directory]?.isAboutResources == true { unblock(directory) }
      for path in result.candidates { markDirty(path) }
      frontier.append(contentsOf: result.directories)
      for (path, error) in result.unreadable {
        block(path, error)
        scanAgain(path)
      }
    }
  }

  /// A directory that could not be read is tried again: nothing may tell when it can be.
  private func scanAgain(_ directory: BytePath) {
    Task {
      await self.time.sleep(nanoseconds: UInt64(Self.failedDelayMilliseconds) * 1_000_000)
      self.rescan(directory)
    }
  }

  private func observeDirty() async {
    guard !dirty.isEmpty else { return }
    noteProgress()
    let batch =
      dirty.count <= Self.observeBatch ? dirty.sorted() : Array(dirty.prefix(Self.observeBatch)).sorted()
    dirty.subtract(batch)
    scanRest?.subtract(batch)
    busy.formUnion(batch)
    let before = batch.map { store.summary(StoreKey.file(folder, $0))?.sequence }
    let observer = self.observer
    let unsettled = self.unsettled.intersection(batch)
    self.unsettled.subtract(unsettled)
    let observations = await onPool(batch) { observer.observe($0, trustsFingerprint: !unsettled.contains($0)) }
    // A synced entry that changed meanwhile was changed by this actor only, never at a busy path.
    var accepted: [(BytePath, Observation)] = []
    for (index, path) in batch.enumerated() {
      guard store.summary(StoreKey.file(folder, path))?.sequence == before[index] else {
        deferred.insert(path)
        continue
      }
      accepted.append((path, observations[index]))
    }
    await record(accepted)
    release(batch)
  }

  /// Turns observations into versions, in one commit.
  private func record(_ observations: [(BytePath, Observation)]) async {
    var mutations: [Mutation] = []
    var again: [BytePath] = []
    var failed: [BytePath] = []
    var absent: [BytePath] = []
    var implicit: Set<BytePath> = []
    var adopted: [PendingTree.Item] = []
    var contents: [(at: Int, bytes: [UInt8])] = []
    for (path, observation) in observations {
      let key = StoreKey.file(folder, path)
      let isBelieved = passesBrake(path, observation)
      switch observation {
      case .unchanged: unblock(path)
      case .implicitDirectory:
        unblock(path)
        implicit.insert(path)
      case .retag(let tag):
        unblock(path)
        mutations.append(.retag(key: key, tag: tag))
      case .absent:
        unblock(path)
        made.remove(path)
        if isBelieved { absent.append(path) }
      case .changed(let value, let fingerprint, let inline):
        unblock(path)
        if let item = wantedItem(path, value.value) {
          // A crash came between the change on disk and its record: the disk holds what the intent wanted.
          adopted.append(item)
          mutations += adoption(of: item, key, fingerprint)
          continue
        }
        if let entry = overtakenEntry(path, value.value) {
          // It is applied by that; what superseded it follows.
          let local = try? store.get(key)?.version
          mutations.append(
            entry.with(local.map { entry.version.absorbing($0) } ?? entry.version).mutation(key: key, tag: fingerprint))
          continue
        }
        if let parent = fileAbove(path), !observations.contains(where: { $0.0 == parent && $0.1.isChange }) {
          // It is a directory by now: its entry comes first, or peers would see a file in the way of another.
          markDirty(parent)
          deferred.insert(path)
          continue
        }
        if case .file = value.value.kind { readAgainWhenSettled(path) }
        if let mutation = localChange(path, key, value, fingerprint) {
          if let inline, !inline.isEmpty, !sources.isEmpty { contents.append((mutations.count, inline)) }
          mutations.append(mutation)
        }
        if !value.value.isDirectory, observer.hasLiveDescendants(path) { absent.append(path) }
      case .unsupported:
        block(
          path,
          SoftadastraError(
            .unsupported, "path", at: path.description, why: "a device, socket or FIFO is not synchronised"))
      case .changing: again.append(path)
      case .failed(let error):
        block(path, error)
        failed.append(path)
      }
    }
    // Deletions first: a peer that puts a file in a directory's place must have seen the directory emptied.
    let deletions = absent.isEmpty ? [] : await deletions(absent)
    lookAgain(at: again, afterMilliseconds: Self.changingDelayMilliseconds)
    lookAgain(at: failed, afterMilliseconds: Self.failedDelayMilliseconds)
    if let ticket = commitLocal(deletions + mutations) {
      let first = ticket.sequences.lowerBound + UInt64(deletions.count)
      for content in contents { recentContent.remember(content.bytes, of: first + UInt64(content.at)) }
    }
    if !absent.isEmpty { await removeEmptiedParents(of: absent) }
    // A crash may have come between the last thing in it and the directory itself.
    if !implicit.isEmpty { await removeEmptied(implicit) }
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

  /// The parent, if any, that is no directory by its entry.
  private func fileAbove(_ path: BytePath) -> BytePath? {
    var parent = path.parent
    while !parent.isRoot {
      if let summary = store.summary(StoreKey.file(folder, parent)), !summary.isDeleted {
        return summary.valueCount > StoredFileValue.directoryByteCount ? parent : nil
      }
      parent = parent.parent
    }
    return nil
  }

  /// The remote-tree item, if any, whose value the disk holds exactly, and that the synced entry has not seen.
  private func wantedItem(_ path: BytePath, _ value: FileValue) -> PendingTree.Item? {
    let dots = pending.dots(at: path)
    guard !dots.isEmpty else { return nil }
    let local = try? store.get(StoreKey.file(folder, path))?.version
    return dots.compactMap { pending[path, $0] }.first {
      $0.entry.value == value && !(local?.covers($0.entry.version) ?? false)
    }
  }

  /// A version whose bytes a crash left on the disk before it was recorded, and that is superseded by now.
  private func overtakenEntry(_ path: BytePath, _ value: FileValue) -> FileEntry? {
    let dots = pending.dots(at: path)
    guard !dots.isEmpty else { return nil }
    let local = try? store.get(StoreKey.file(folder, path))?.version
    return dots.lazy.flatMap { self.pending[path, $0]?.overtaken ?? [] }.first {
      $0.value == value && !(local?.covers($0.version) ?? false)
    }
  }

  private func adoption(of item: PendingTree.Item, _ key: [UInt8], _ fingerprint: UInt64) -> [Mutation] {
    let local = try? store.get(key)?.version
    let entry = item.entry.with(local.map { item.entry.version.absorbing($0) } ?? item.entry.version)
    return [
      entry.mutation(key: key, tag: fingerprint),
      .erase(key: remoteKey(item.path, item.entry.version.dot)),
    ]
  }

  private func localChange(
    _ path: BytePath, _ key: [UInt8], _ value: StoredFileValue, _ fingerprint: UInt64
  ) -> Mutation? {
    if configuration.mode == .receiveOnly {
      block(path, localChangeError(path, "it was changed here; that is not sent"))
      return nil
    }
    let known = DeliberateFault.vectorNotMerged.isOn ? nil : try? store.get(key)
    let base = known?.version?.vector ?? VersionVector()
    let version = store.newVersion(basedOn: base, author: configuration.author)
    let flags = lateCopies.contains(path) ? Change.Flags.conflictCopy.rawValue : 0
    return .put(key: key, value: value.encoded(), version: version, tag: fingerprint, flags: flags)
  }

  /// Tombstones for what is gone, descendants included. Absence counts only while the folder's marker is there.
  private func deletions(_ paths: [BytePath]) async -> [Mutation] {
    let live = paths.flatMap { liveEntries(at: $0) }
    guard !live.isEmpty else { return [] }
    guard configuration.mode != .receiveOnly else {
      for path in paths { block(path, localChangeError(path, "it was deleted here; that is not sent")) }
      return []
    }
    let volume = self.volume
    let marker = await pool.run { try? FolderMarker.read(from: volume) }
    guard marker?.folder == folder else {
      halt(
        SoftadastraError(
          .notFound, "folder", at: volume.location,
          why: "its marker .softadastra/folder is gone: another disk, or none",
          hint: "mount it again, or watch it anew with --adopt; nothing is deleted anywhere"))
      return []
    }
    // A last look: something may have come back since.
    let stillThere = await onPool(live.map(\.0)) { path in (try? volume.status(path)) != nil }
    var seen: Set<BytePath> = []
    var mutations: [Mutation] = []
    for (index, (path, entry)) in live.enumerated() where !busyElsewhere(path, paths) && seen.insert(path).inserted {
      if stillThere[index] {
        // A type change keeps its name; what was recorded for it stands.
        continue
      }
      guard let old = entry.version else { continue }
      let version = store.newVersion(basedOn: old.vector, author: configuration.author)
      mutations.append(
        .delete(key: StoreKey.file(folder, path), value: [], version: version, tag: 0, flags: 0))
    }
    return mutations.reversed()
  }

  /// A path that an apply works on, and that is not one of those observed, is looked at when that is done.
  private func busyElsewhere(_ path: BytePath, _ observed: [BytePath]) -> Bool {
    guard busy.contains(path), !observed.contains(path) else { return false }
    deferred.insert(path)
    return true
  }

  /// The live entry at a path and all below it.
  func liveEntries(at path: BytePath) -> [(BytePath, EntrySummaryAndVersion)] {
    var found: [(BytePath, EntrySummaryAndVersion)] = []
    let key = StoreKey.file(folder, path)
    if let summary = store.summary(key), !summary.isDeleted, let entry = try? store.get(key) {
      found.append((path, EntrySummaryAndVersion(entry)))
    }
    let prefix = key + [UInt8(ascii: "/")]
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: 1024)
      for (key, _) in page {
        guard let below = StoreKey.path(ofFileKey: key), let entry = try? store.get(key) else { continue }
        found.append((below, EntrySummaryAndVersion(entry)))
      }
      guard page.count == 1024 else { return found }
      after = page.last!.key
    }
  }

  struct EntrySummaryAndVersion: Sendable {
    let version: Version?
    let tag: UInt64
    let entry: Entry
    init(_ entry: Entry) {
      version = entry.version
      tag = entry.tag
      self.entry = entry
    }
  }

  /// Commits local versions; peers hear of them once they are durable (the store's change callback).
  @discardableResult
  func commitLocal(_ mutations: [Mutation]) -> CommitTicket? {
    guard !mutations.isEmpty else { return nil }
    do throws(SoftadastraError) {
      let ticket = try store.commit(mutations)
      markDurableSoon()
      return ticket
    } catch {
      guard error.isAboutResources else {
        halt(error)
        return nil
      }
      // The log has no room: what was seen is looked at again, and recorded when it has.
      let paths = mutations.compactMap { StoreKey.path(ofFileKey: $0.key) }
      for path in paths { block(path, error) }
      lookAgain(at: paths, afterMilliseconds: Self.failedDelayMilliseconds)
      return nil
    }
  }

  /// Where timestamps are coarse, what was just read or written is read once more when they have moved on.
  func readAgainWhenSettled(_ path: BytePath) {
    let granularity = configuration.granularityNanoseconds
    guard granularity > 0 else { return }
    unsettled.insert(path)
    lookAgain(at: [path], afterMilliseconds: Int(granularity / 1_000_000) + 5)
  }

  func block(_ path: BytePath, _ error: SoftadastraError) {
    if unsupported[path]?.code != error.code { host.report(.blocked(path, error)) }
    unsupported[path] = error
  }

  func unblock(_ path: BytePath) { unsupported[path] = nil }
}
