public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// Directories against files: the directory keeps the name, and exists as long as something lives below it.
extension FolderMirror {
  /// So long an item waits for what concerns another path.
  private static let waitingMilliseconds = 200
  /// After so many times it waits longer.
  private static let shortWaits = 10
  private static let longWaitingMilliseconds = 2000
  private static let recallPage = 4096

  /// A file bears the name of a directory that something wants to live in: it becomes its conflict copy.
  ///
  /// One rename, so that a crash leaves the file under one name or the other. The item is tried again afterwards.
  func makeWay(for step: Step, at obstacle: BytePath) async {
    let key = StoreKey.file(folder, obstacle)
    let summary = store.summary(key)
    guard pending.dots(at: obstacle).isEmpty, !busy.contains(obstacle), !dirty.contains(obstacle) else {
      // What is there is being decided on already.
      wait(step.item)
      return
    }
    guard let summary, !summary.isDeleted, let entry = try? observer.entry(key, summary, obstacle),
      let value = entry.value, !value.isDirectory
    else {
      markDirty(obstacle)
      observeSignal.raise()
      wait(step.item)
      return
    }
    // A directory that changed after what is in it comes after that: what stands in its place may be about to give way.
    guard hasHeardAll(of: step.item) else {
      awaitingFeeds.append(step.item.key)
      suspend(step.item)
      return
    }
    let name = ConflictName.path(for: obstacle, loser: value, by: entry.version.author)
    guard !busy.contains(name) else {
      wait(step.item)
      return
    }
    // Seen before it is recorded, the copy would be taken for a file that somebody made here.
    busy.formUnion([obstacle, name])
    let isNameFree = store.summary(StoreKey.file(folder, name)) == nil
    let volume = self.volume
    let outcome: (status: FileStatus, isExpected: Bool)? = await pool.run {
      guard let before = try? volume.status(obstacle), before.fingerprint == summary.tag else { return nil }
      // Somebody may have saved it in this very moment: these bytes are nobody's copy.
      if isNameFree { return (try? volume.move(obstacle, to: name)).map { ($0, $0.isSameFile(as: before)) } }
      // Its copy was made before, here or elsewhere: these bytes go to the archive.
      guard let displaced = try? volume.displace(obstacle) else { return nil }
      return (try? volume.discard(displaced, from: obstacle, keep: true)).map { (displaced.status, true) }
    }
    if let (moved, isExpected) = outcome {
      var mutations = [
        Mutation.delete(
          key: key, value: [], version: store.newVersion(basedOn: entry.version.vector, author: configuration.author),
          tag: 0, flags: 0)
      ]
      if isNameFree, !isExpected {
        deferred.insert(name)
      } else if isNameFree {
        unsettled.insert(name)
        deferred.insert(name)
        let copy = FileEntry(version: entry.version, stored: entry.stored, isConflictCopy: true)
        mutations.append(copy.mutation(key: StoreKey.file(folder, name), tag: moved.fingerprint))
      }
      commitLocal(mutations)
      host.report(.conflict(obstacle, copy: name))
    } else {
      deferred.insert(obstacle)
    }
    release([obstacle, name])
    wait(step.item)
  }

  /// Whether one of its senders has said all that it knew; for an item from an earlier life, whether anybody has.
  private func hasHeardAll(of item: PendingTree.Item) -> Bool {
    item.origins.isEmpty ? !completeFeeds.isEmpty : item.origins.contains { completeFeeds.contains($0.peer) }
  }

  /// What a peer has said is all that it knows at present, or more is to come.
  public func feed(of peer: NodeID, isComplete: Bool) {
    guard isComplete else {
      completeFeeds.remove(peer)
      return
    }
    completeFeeds.insert(peer)
    let waiting = awaitingFeeds
    awaitingFeeds.removeAll()
    for item in waiting { resume(item.path, item.dot) }
  }

  private func suspend(_ item: PendingTree.Item) {
    pending.update(item.path, item.entry.version.dot) { $0.state = .fetching }
    // What it waits for may be in a message that is still to be read.
    letGoOfContent(item)
    release([item.path])
  }

  /// Puts an item back until something else may have changed.
  func wait(_ item: PendingTree.Item) {
    suspend(item)
    pending.update(item.path, item.entry.version.dot) { $0.waits += 1 }
    let delay = item.waits < Self.shortWaits ? Self.waitingMilliseconds : Self.longWaitingMilliseconds
    waiting[delay, default: []].append(item.key)
    guard waiting[delay]?.count == 1 else { return }
    Task {
      await self.time.sleep(nanoseconds: UInt64(delay) * 1_000_000)
      for item in self.waiting.removeValue(forKey: delay) ?? [] { self.resume(item.path, item.dot) }
    }
  }

  private func resume(_ path: BytePath, _ dot: Dot) {
    pending.requeue(path, dot)
    applySignal.raise()
  }

  /// Parents that were made on the way and have no live entry: their tombstones are to know them by, or a mark of their own
  /// where there is none, also after a restart.
  func madeParents(of paths: [BytePath]) -> [Mutation] {
    var mutations: [Mutation] = []
    var seen: Set<BytePath> = []
    for path in paths {
      var parent = path.parent
      while !parent.isRoot, seen.insert(parent).inserted {
        if let fingerprint = made.fingerprint(parent) {
          let key = StoreKey.file(folder, parent)
          let mark = StoreKey.made(folder, parent)
          if let summary = store.summary(key) {
            if summary.isDeleted, summary.tag != fingerprint { mutations.append(.retag(key: key, tag: fingerprint)) }
          } else if store.summary(mark)?.tag != fingerprint {
            mutations.append(.put(key: mark, value: [], version: nil, tag: fingerprint))
          }
        }
        parent = parent.parent
      }
    }
    return mutations
  }

  /// At start: directories without a live entry around a peer's work, come or still to come. An earlier life made them for
  /// that and did not live to see their entries. Around this node's own they may be a person's, not recorded before a kill.
  func recallMadeDirectories() async {
    var found: Set<BytePath> = []
    func note(_ path: BytePath) {
      var parent = path.parent
      while !parent.isRoot, !found.contains(parent), store.summary(StoreKey.file(folder, parent))?.isDeleted ?? true {
        found.insert(parent)
        parent = parent.parent
      }
    }
    for key in pending.keys { note(key.path) }
    var (after, last): ([UInt8]?, BytePath?)
    while true {
      let page = store.list(prefix: StoreKey.filePrefix(folder), after: after, limit: Self.recallPage)
      for (key, summary) in page where summary.dot?.replica != store.replica {
        guard let path = StoreKey.path(ofFileKey: key), path.parent != last else { continue }
        last = path.parent
        note(path)
      }
      guard page.count == Self.recallPage else { break }
      after = page.last!.key
    }
    let volume = self.volume
    let directories = Array(found)
    for (path, status) in zip(directories, await onPool(directories) { (try? volume.status($0)) ?? nil }) {
      guard let status, status.kind == .directory,
        !observer.held.permissions || status.permissions == FileValue.implicitDirectoryPermissions
      else { continue }
      made.insert(path, status.fingerprint)
    }
    await recallMarked()
  }

  /// Marks that do not fit what is there are of no use any more.
  private func recallMarked() async {
    let marks = store.list(prefix: StoreKey.madePrefix(folder), limit: .max)
    let paths = marks.map { StoreKey.path(ofMadeKey: $0.key) }
    let volume = self.volume
    var stale: [Mutation] = []
    for ((mark, path), status) in zip(zip(marks, paths), await onPool(paths) { (try? volume.status($0)) ?? nil }) {
      let isLive = store.summary(StoreKey.file(folder, path)).map { !$0.isDeleted } ?? false
      if let status, !isLive, status.fingerprint == mark.summary.tag {
        made.insert(path, status.fingerprint)
      } else {
        stale.append(.erase(key: mark.key))
      }
    }
    commitLocal(stale)
  }

  /// A directory has another name, and so have those below it that have no live entry and live for what is in them.
  func moveMade(from: BytePath, to: BytePath) -> [Mutation] {
    var found = made.below(from)
    let below = StoreKey.file(folder, from) + [UInt8(ascii: "/")]
    for (key, summary) in store.list(prefix: below, limit: .max, includeDeleted: true) where summary.isDeleted {
      if summary.tag != 0, let path = StoreKey.path(ofFileKey: key) { found[path] = summary.tag }
    }
    let marks = store.list(prefix: StoreKey.made(folder, from) + [UInt8(ascii: "/")], limit: .max)
    for (key, summary) in marks { found[StoreKey.path(ofMadeKey: key)] = summary.tag }
    var mutations: [Mutation] = []
    for (path, fingerprint) in found {
      guard let target = path.moved(from: from, to: to) else { continue }
      mutations += forgetMade([path])
      guard store.summary(StoreKey.file(folder, target))?.isDeleted ?? true else { continue }
      made.insert(target, fingerprint)
      mutations.append(.put(key: StoreKey.made(folder, target), value: [], version: nil, tag: fingerprint))
    }
    return mutations
  }

  /// A directory that was made here is gone.
  func forgetMade(_ directories: some Sequence<BytePath>) -> [Mutation] {
    directories.compactMap { directory in
      made.remove(directory)
      let mark = StoreKey.made(folder, directory)
      return store.summary(mark) == nil ? nil : .erase(key: mark)
    }
  }

  /// Directories without an entry that live only for what is below them go with the last of it.
  func removeEmptiedParents(of paths: [BytePath]) async { await removeEmptied(Set(paths.map(\.parent))) }

  /// These directories, and those above them, as far as nothing is left for which they live.
  func removeEmptied(_ candidates: Set<BytePath>) async {
    var candidates = DeliberateFault.emptiedParentsKept.isOn ? [] : candidates
    while !candidates.isEmpty {
      let directories = candidates.filter(isEmptied).sorted { $0 > $1 }
      guard !directories.isEmpty else { return }
      // Nobody makes one meanwhile and takes it for made.
      let held = directories.filter { !busy.contains($0) }
      busy.formUnion(held)
      let volume = self.volume
      let known = directories.map { (path: $0, tags: implicitTags(of: $0)) }
      let failures = await onPool(known) { directory -> SoftadastraError? in
        do throws(SoftadastraError) {
          guard let status = try volume.status(directory.path) else { return nil }
          guard directory.tags.contains(status.fingerprint) else {
            return SoftadastraError(
              .conflict, "remove", at: directory.path.description, why: "somebody has made another one in its place")
          }
          try volume.openingUpParent(of: directory.path) { () throws(SoftadastraError) in
            try volume.removeDirectory(directory.path)
          }
          return nil
        } catch {
          // Somebody was faster; those above it are looked at all the same.
          return error.code == .notFound ? nil : error
        }
      }
      // One that something lives in after all stays. Where the disk failed it is tried again.
      let failed = zip(directories, failures).filter { $1 != nil && $1?.code != .conflict }.map(\.0)
      lookAgain(at: failed, afterMilliseconds: Self.failedDelayMilliseconds)
      let removed = zip(directories, failures).filter { $1 == nil }.map(\.0)
      commitLocal(forgetMade(removed))
      release(held)
      candidates = Set(removed.map(\.parent))
    }
  }

  /// By which a directory is known that lives only for what is below it.
  private func implicitTags(of directory: BytePath) -> [UInt64] {
    let summary = store.summary(StoreKey.file(folder, directory))
    return [summary?.isDeleted == true ? summary?.tag : nil, made.fingerprint(directory)].compactMap { $0 }
  }

  private func isEmptied(_ directory: BytePath) -> Bool {
    // One that is wanted by now may be made already, and not recorded.
    guard !directory.isRoot,
      !pending.dots(at: directory).contains(where: { pending[directory, $0]?.entry.value?.isDirectory == true })
    else { return false }
    // One that has no entry and was not made here is somebody's, not looked at yet.
    let isImplicit =
      store.summary(StoreKey.file(folder, directory))?.isDeleted ?? (made.fingerprint(directory) != nil)
    return isImplicit && !observer.hasLiveDescendants(directory) && !pending.hasDescendants(of: directory)
  }
}
