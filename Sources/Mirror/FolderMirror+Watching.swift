public import SoftadastraCore
public import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What the watcher tells, and which paths are to be looked at.
extension FolderMirror {
  public func handle(_ events: [WatchEvent]) {
    for event in events {
      switch event {
      case .changed(let path): markDirty(path)
      case .written(let path):
        if markDirty(path) { written.insert(path) }
      case .subtreeChanged(let path) where path.isRoot && DeliberateFault.overflowIgnored.isOn: break
      case .subtreeChanged(let path): rescan(path)
      case .moved(let from, let to, let isDirectory): moves.append((from, to, isDirectory))
      case .rootLost:
        halt(
          SoftadastraError(
            .notFound, "folder", at: volume.location, why: "it was removed, moved away or unmounted",
            hint: "bring it back and start again; nothing is deleted anywhere"))
      }
    }
    observeSignal.raise()
  }

  /// Compares everything at and below with the synced tree.
  public func rescan(_ path: BytePath = .root) {
    if DeliberateFault.startScanLeftOut.isOn, path.isRoot, frontier.isEmpty, sources.isEmpty { return }
    if path.isRoot {
      brake.scanBegins(isNothingSynced: store.list(prefix: StoreKey.filePrefix(folder), limit: 1).isEmpty)
    } else {
      markDirty(path)
    }
    frontier.append(path)
    observeSignal.raise()
  }

  /// False for a path that is nobody's business.
  @discardableResult
  func markDirty(_ path: BytePath) -> Bool {
    guard !path.isRoot, !path.isReserved, !isIgnored(path, false) else { return false }
    if resting.contains(path) { return true }
    if busy.contains(path) || isMoving(path) { deferred.insert(path) } else { dirty.insert(path) }
    return true
  }

  func isMoving(_ path: BytePath) -> Bool { !moving.isEmpty && moving.contains { path.isWithin($0) } }

  /// Nobody looks at, or works on, what is in these trees until `endMove`.
  func beginMove(_ trees: [BytePath]) {
    moving += trees
    busy.formUnion(trees)
  }

  func endMove(_ trees: [BytePath]) {
    moving.removeAll { trees.contains($0) }
    let waiting = deferred.filter { path in trees.contains { path.isWithin($0) } }
    deferred.subtract(waiting)
    dirty.formUnion(waiting)
    release(trees)
  }

  func release(_ paths: some Sequence<BytePath>) {
    for path in paths {
      busy.remove(path)
      if deferred.remove(path) != nil, !resting.contains(path) { dirty.insert(path) }
    }
    if !dirty.isEmpty { observeSignal.raise() }
    if pending.hasQueued { applySignal.raise() }
    resumeBatchWaiters()
  }

  /// Marks the path dirty again after a while.
  func lookAgain(at paths: [BytePath], afterMilliseconds delay: Int) {
    guard !paths.isEmpty else { return }
    Task {
      await self.time.sleep(nanoseconds: UInt64(delay) * 1_000_000)
      for path in paths { self.markDirty(path) }
      self.observeSignal.raise()
    }
  }

  /// The same for what is known to differ from the synced tree: until then the folder is not at rest.
  func lookAgain(atChanging paths: [BytePath], after nanoseconds: UInt64) {
    changing.formUnion(paths)
    guard !paths.isEmpty else { return }
    Task {
      await self.time.sleep(nanoseconds: nanoseconds)
      self.changing.subtract(paths)
      self.resting.subtract(paths)
      for path in paths { self.markDirty(path) }
      self.observeSignal.raise()
    }
  }
}
