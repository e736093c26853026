internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What becomes of the disk's changes: versions of this node, or changes of peers that are there already.
extension FolderMirror {
  /// The parent, if any, that is no directory by its entry.
  func fileAbove(_ path: BytePath) -> BytePath? {
    var parent = path.parent
    while !parent.isRoot {
      if let summary = store.summary(StoreKey.file(folder, parent)), !summary.isDeleted {
        return summary.valueCount > StoredFileValue.directoryByteCount ? parent : nil
      }
      parent = parent.parent
    }
    return nil
  }

  /// The remote-tree item, if any, whose value the disk holds exactly and that is taken over the synced entry, and what
  /// becomes of the two.
  func wantedItem(_ path: BytePath, _ value: FileValue) -> (item: PendingTree.Item, survivor: Survivor)? {
    let dots = pending.dots(at: path)
    guard !dots.isEmpty else { return nil }
    let local = syncedEntry(path)
    for item in dots.compactMap({ pending[path, $0] }) where isShown(item.entry, by: value) {
      if let survivor = survivor(item.entry, over: local, at: path) { return (item, survivor) }
    }
    return nil
  }

  /// A version whose bytes a crash left on the disk before it was recorded, and that is superseded by now.
  func overtakenEntry(_ path: BytePath, _ value: FileValue) -> Survivor? {
    let dots = pending.dots(at: path)
    guard !dots.isEmpty else { return nil }
    let local = syncedEntry(path)
    for entry in dots.lazy.flatMap({ self.pending[path, $0]?.overtaken ?? [] }) where isShown(entry, by: value) {
      if let survivor = survivor(entry, over: local, at: path) { return survivor }
    }
    return nil
  }

  /// Whether a disk on which `value` was found may hold this version.
  private func isShown(_ entry: FileEntry, by value: FileValue) -> Bool {
    entry.value == value.completed(from: entry.value, observer.held)
  }

  private func syncedEntry(_ path: BytePath) -> FileEntry? {
    let key = StoreKey.file(folder, path)
    return try? observer.entry(key, store.summary(key), path)
  }

  /// What this node leaves where it puts `remote` on the disk; nil where it would not. Somebody has made the same bytes
  /// then: that is a version of its own, for one that took over the vector of a later one would not be what everybody else
  /// makes of the two.
  private func survivor(_ remote: FileEntry, over local: FileEntry?, at path: BytePath) -> Survivor? {
    guard !(local?.version.covers(remote.version) ?? false),
      case .apply(let entry, _) = Reconciler.decide(
        path: path, local: local, isImplicitDirectory: false, remote: remote)
    else { return nil }
    return local.map { Survivor(entry, over: $0.version) } ?? Survivor(entry)
  }

  /// A peer's deletion of this path is still to be recorded.
  func isDeletionWanted(_ path: BytePath) -> Bool {
    pending.dots(at: path).contains { pending[path, $0]?.entry.isDeleted == true }
  }

  func localChange(_ path: BytePath, _ key: [UInt8], _ found: Observation.Found) -> Mutation? {
    if configuration.mode == .receiveOnly {
      block(path, localChangeError(path, "it was changed here; that is not sent"))
      return nil
    }
    let known = DeliberateFault.vectorNotMerged.isOn ? nil : try? store.get(key)
    let base = known?.version?.vector ?? VersionVector()
    let version = store.newVersion(basedOn: base, author: configuration.author)
    let flags = lateCopies.contains(path) ? Change.Flags.conflictCopy.rawValue : 0
    return .put(key: key, value: found.value.encoded(), version: version, tag: found.fingerprint, flags: flags)
  }

  /// What a look at absent paths came to.
  struct Deletions {
    var mutations: [Mutation] = []
    /// Another loop works there, or the disk did not answer: they are looked at again.
    var undecided: [BytePath] = []
  }

  /// Tombstones for what is gone, descendants included. Absence counts only while the folder's marker is there.
  func deletions(_ paths: [BytePath]) async -> Deletions {
    var found = Deletions()
    let live = paths.flatMap { liveEntries(at: $0) }
    guard !live.isEmpty else { return found }
    guard configuration.mode != .receiveOnly else {
      for path in paths { block(path, localChangeError(path, "it was deleted here; that is not sent")) }
      return found
    }
    let volume = self.volume
    let marker = await pool.run { () -> Result<FolderMarker?, SoftadastraError> in
      do throws(SoftadastraError) { return .success(try FolderMarker.read(from: volume)) } catch {
        return .failure(error)
      }
    }
    // A disk that does not answer says nothing of what is gone.
    if case .failure(let error) = marker, error.code == .device || error.isAboutResources {
      return Deletions(undecided: live.map(\.0))
    }
    guard (try? marker.get())?.folder == folder else {
      halt(
        SoftadastraError(
          .notFound, "folder", at: volume.location,
          why: "its marker .softadastra/folder is gone: another disk, or none",
          hint: "mount it again, or watch it anew with --adopt; nothing is deleted anywhere"))
      return Deletions(undecided: live.map(\.0))
    }
    // A last look: something may have come back since.
    let looks = await onPool(live.map(\.0)) { path -> Look in
      do throws(SoftadastraError) {
        return try volume.status(path) == nil ? .absent : .present
      } catch {
        return error.code == .notFound ? .absent : .failed
      }
    }
    var seen: Set<BytePath> = []
    for ((path, entry), look) in zip(live, looks) where seen.insert(path).inserted {
      if busyElsewhere(path, paths) {
        found.undecided.append(path)
        continue
      }
      switch look {
      // A type change keeps its name; what was recorded for it stands.
      case .present: continue
      case .failed: found.undecided.append(path)
      case .absent:
        guard let old = entry.version else { continue }
        let key = StoreKey.file(folder, path)
        // A failed call, or a crash, between what that took away and what it puts there leaves nothing, and nobody deleted
        // it. Where somebody did, an edit beats a deletion.
        if pending.isReplaced(path, old) {
          found.mutations.append(.erase(key: key))
        } else if !mayHaveMadeRoom(path, entry.entry) {
          let version = store.newVersion(basedOn: old.vector, author: configuration.author)
          found.mutations.append(.delete(key: key, value: [], version: version, tag: 0, flags: 0))
        }
      }
    }
    found.mutations.reverse()
    return found
  }

  private enum Look { case absent, present, failed }

  /// What is wanted here makes this node take away what lies there, before a crash or a call that failed. The path is
  /// left alone until that is decided on, and looked at again then. Where only mode and time are to be set, or what is
  /// here stays, nothing is taken away.
  private func mayHaveMadeRoom(_ path: BytePath, _ local: Entry) -> Bool {
    let dots = pending.dots(at: path)
    guard !dots.isEmpty, let known = try? FileEntry(local, at: path.description), let value = known.value else {
      return false
    }
    return dots.compactMap { pending[path, $0]?.entry }.contains { wanted in
      wanted.value.map { !$0.hasSameContent(as: value) } ?? wanted.version.covers(known.version)
    }
  }

  /// A path that an apply works on, and that is not one of those observed, is looked at when that is done.
  func busyElsewhere(_ path: BytePath, _ observed: [BytePath]) -> Bool {
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

  /// Commits local versions; peers hear of them once they are durable (the store's change callback). Nil if there is nothing
  /// to commit, where the log has no room, and when the folder has stopped: its entries may be somebody else's by then.
  @discardableResult
  func commitLocal(_ mutations: [Mutation]) -> CommitTicket? {
    guard !mutations.isEmpty, isRunning else { return nil }
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
