internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// What the store alone tells of a folder: for a folder that is stopped, and for `status` without a running node.
enum StoredFolders {
  static func report(
    on folder: WatchedFolder, _ name: String, _ store: Store, _ state: String, _ notice: String
  ) -> StatusReport.Folder {
    let totals = FolderTotals(of: folder.id, in: store)
    var pending = StatusReport.Amount()
    var paths: [StatusReport.Pending] = []
    let prefix = StoreKey.remotePrefix(folder.id)
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: 1024)
      for (key, _) in page where key.count > prefix.count + 17 {
        let path = BytePath(unchecked: Array(key[prefix.count..<(key.count - 17)]))
        let entry = (try? store.get(key)).flatMap { $0 }.flatMap { try? FileEntry(remoteTree: $0.value) }
        let bytes = entry?.value?.size ?? 0
        pending.files += 1
        pending.bytes += bytes
        if paths.count < StatusReport.maxPendingPaths {
          paths.append(StatusReport.Pending(path, direction: "receive", peer: nil, bytes: bytes))
        }
      }
      guard page.count == 1024 else { break }
      after = page.last!.key
    }
    return StatusReport.Folder(
      name: name, id: folder.id.description, path: folder.path, mode: folder.mode, state: state, notice: notice,
      files: totals.files, bytes: totals.bytes, pending: pending, conflicts: totals.conflicts, blocked: [],
      pendingPaths: paths)
  }
}
