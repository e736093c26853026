internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
public import SoftadastraSync

extension FolderMirror {
  /// These versions were deleted in the group while this node was away, and the deletion itself is forgotten.
  ///
  /// What the disk still holds of them goes to the archive, and the folder's own loop takes that in like any deletion
  /// made here: so whoever this node meets later learns of it. What was edited since is another version, and stays.
  /// Returns how many went. A folder that only sends deletes nothing.
  public func deletedElsewhere(_ items: [SyncMessage.InventoryItem]) async -> Int {
    guard configuration.mode != .sendOnly else { return 0 }
    let prefix = SpaceID.folder(folder).prefix
    let versions = items.compactMap { item in
      StoreKey.path(ofFileKey: prefix + item.key).map { (path: $0, dot: item.dot) }
    }
    var gone: [BytePath] = []
    // Deepest first: a directory is empty when its turn comes.
    for (path, dot) in versions.sorted(by: { $0.path > $1.path }) {
      await untilFree([path])
      guard isRunning else { break }
      guard let summary = store.summary(StoreKey.file(folder, path)), summary.dot == dot, !summary.isDeleted else {
        continue
      }
      busy.insert(path)
      if await putAway(path) { gone.append(path) }
      release([path])
    }
    await takeIn(gone)
    return gone.count
  }

  /// False if the disk holds something else, or the archive takes nothing: it is asked for again another time.
  private func putAway(_ path: BytePath) async -> Bool {
    let observer = self.observer
    let volume = self.volume
    let result: Result<Bool, SoftadastraError> = await pool.run {
      do throws(SoftadastraError) {
        switch observer.observe(path) {
        case .unchanged, .retag: break
        case .absent: return .success(true)
        default: return .success(false)
        }
        if try volume.status(path)?.kind == .directory {
          try volume.removeDirectory(path)
        } else {
          try volume.archive(try volume.displace(path), from: path, as: .deleted)
        }
        return .success(true)
      } catch {
        // Something that is not the group's lives in the directory.
        return error.code == .conflict ? .success(false) : .failure(error)
      }
    }
    switch result {
    case .success(let isAway): return isAway
    case .failure(let error):
      block(path, error)
      return false
    }
  }
}
