internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync

/// What people order of a whole folder.
extension NodeCore {
  private func named(_ text: String) throws(SoftadastraError) -> WatchedFolder {
    try PathFinding.folder(text, in: watchedFolders, names: view.folders)
  }

  private func running(_ text: String) throws(SoftadastraError) -> FolderHandle {
    let folder = try named(text)
    guard let handle = folders[folder.id] else { throw stopped(folder) }
    return handle
  }

  /// Files, marker, archive and the record of what was synchronised stay: watched again at the same place it goes on
  /// as after a time off.
  func removeFolder(_ text: String) async throws(SoftadastraError) {
    let folder = try named(text)
    try await store.wait(
      try store.commit([
        NodeSettings(store: store).folderRemoval(folder.id), GroupChange(store: store).takenRemoval(folder.id),
      ]))
    stoppedFolders[folder.id] = nil
    restingFolders.removeAll { $0.id == folder.id }
    guard let handle = folders.removeValue(forKey: folder.id) else { return }
    await handle.stop()
    replicator.remove(folder.id)
  }

  func confirmDeletions(_ text: String) async throws(SoftadastraError) -> Int {
    let handle = try running(text)
    let count = await handle.mirror.confirmDeletions()
    guard count > 0 else {
      throw SoftadastraError(.notFound, "folder", at: handle.path, why: "no deletions wait to be confirmed")
    }
    return count
  }

  func revertFolder(_ text: String) async throws(SoftadastraError) -> Int {
    try await running(text).mirror.revert()
  }
}
