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
    let scan = TreeScan(observer: observer, room: scanRoom, isIgnored: isIgnored)
    var found = 0
    await eachOnPool(directories, slice: scanWidth.slice, { scan.compare($0) }) { directory, result in
      found += result.candidates.count + result.new.count
      await self.take(result, of: directory)
    }
    scanWidth.found(found, isAlone: sources.isEmpty)
  }

  private func take(_ result: TreeScan.Result, of directory: BytePath) async {
    brake.listed(directory)
    if result.unreadable.isEmpty, unsupported[directory]?.isAboutResources == true { unblock(directory) }
    await recordNew(result.new)
    for path in result.candidates { markDirty(path) }
    frontier.append(contentsOf: result.directories)
    for (path, error) in result.unreadable {
      block(path, error)
      scanAgain(path)
    }
  }

  /// What somebody has reported or worked on meanwhile is looked at anew, and so is what could not be decided on.
  func recordNew(_ files: [(path: BytePath, size: UInt64, observation: Observation)]) async {
    guard !files.isEmpty else { return }
    var accepted: [(BytePath, Observation)] = []
    accepted.reserveCapacity(files.count)
    for file in files {
      if file.observation.isChange, !dirty.contains(file.path), !busy.contains(file.path),
        store.summary(StoreKey.file(folder, file.path)) == nil, !isMoving(file.path)
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
    for file in files { scanRoom.giveBack(file.size) }
  }

  /// A directory that could not be read is tried again: nothing may tell when it can be.
  private func scanAgain(_ directory: BytePath) {
    Task {
      await self.time.sleep(nanoseconds: UInt64(Self.failedDelayMilliseconds) * 1_000_000)
      self.rescan(directory)
    }
  }
}
