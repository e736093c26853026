internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// Scans: directories are compared with the synced tree on the worker threads; new small files, which are read on the
/// spot, are recorded here meanwhile, and everything else that differs is named for a closer look.
extension FolderMirror {
  func scanFrontier() async {
    guard !frontier.isEmpty else { return }
    noteProgress()
    let directories = Array(frontier.suffix(scanWidth.directories))
    frontier.removeLast(directories.count)
    comparing = directories
    let scan = TreeScan(observer: observer, room: scanRoom, isIgnored: isIgnored)
    var found = 0
    await eachOnPool(directories, slice: scanWidth.slice, { scan.compare($0) }) { directory, result in
      found += result.candidates.count + result.new.count
      await self.take(result, of: directory)
    }
    comparing = []
    resumeBatchWaiters()
    scanWidth.found(found, isAlone: sources.isEmpty)
  }

  private func take(_ result: TreeScan.Result, of directory: BytePath) async {
    brake.listed(directory)
    if result.unreadable.isEmpty, let error = unsupported[directory],
      error.isAboutResources || error.code == .unsupported && directory.bytes.count <= BytePath.maxBytes
    {
      // Among others, nothing is mounted there any more.
      unblock(directory)
    }
    await recordNew(result.new, in: directory)
    for path in result.candidates { markDirty(path) }
    frontier.append(contentsOf: result.directories)
    for (path, error) in result.unreadable {
      block(path, error)
      // What is mounted there is not going to be part of the folder.
      if error.code != .unsupported { scanAgain(path) }
    }
  }

  /// What somebody has reported or worked on meanwhile is looked at anew, and so is what could not be decided on, and what
  /// lies in a directory that is not recorded yet.
  func recordNew(_ files: [TreeScan.Result.New], in directory: BytePath) async {
    for start in stride(from: 0, to: files.count, by: Self.observeBatch) {
      if start > 0 { await Task.yield() }
      let batch = files[start..<min(start + Self.observeBatch, files.count)]
      let isDirectoryWaiting = isWaiting(directory)
      let summaries = store.summaries(batch.map { StoreKey.file(folder, $0.path) })
      var accepted: [(BytePath, Observation)] = []
      accepted.reserveCapacity(batch.count)
      for (file, summary) in zip(batch, summaries) {
        if file.observation.isChange, summary == nil, !isDirectoryWaiting, !dirty.contains(file.path),
          !busy.contains(file.path), !isMoving(file.path)
        {
          accepted.append((file.path, file.observation))
        } else {
          markDirty(file.path)
        }
      }
      let paths = accepted.map(\.0)
      busy.formUnion(paths)
      await record(accepted)
      release(paths)
      for file in batch { scanRoom.giveBack(file.size) }
    }
  }

  /// It or one above it is still to be looked at.
  private func isWaiting(_ directory: BytePath) -> Bool {
    var next = directory
    while !next.isRoot {
      if dirty.contains(next) || deferred.contains(next) { return true }
      next = next.parent
    }
    return false
  }

  /// A directory that could not be read is tried again: nothing may tell when it can be.
  private func scanAgain(_ directory: BytePath) {
    // Every scan of what is above comes by: one of them is enough.
    guard unreadable.insert(directory).inserted else { return }
    Task {
      await self.time.sleep(nanoseconds: UInt64(Self.failedDelayMilliseconds) * 1_000_000)
      self.unreadable.remove(directory)
      self.rescan(directory)
    }
  }
}
