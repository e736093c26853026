internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// The remote tree's durable form: one record for each version that is known and not applied yet.
extension FolderMirror {
  /// Remote-tree records on their way into the log: of these items, and what else goes with them.
  struct RemoteRecords: Sendable {
    var items: [FetchKey] = []
    var mutations: [Mutation] = []

    var isEmpty: Bool { items.isEmpty && mutations.isEmpty }
  }

  /// As the items are at this moment: what was derived here may have been offered since, and recorded as that; what was
  /// dropped needs none.
  func mutations(of records: RemoteRecords) -> [Mutation] {
    records.mutations
      + records.items.compactMap { key in
        pending[key.path, key.dot].map { item in
          .put(
            key: remoteKey(key.path, key.dot), value: item.entry.encodedForRemoteTree(), version: nil,
            tag: item.isDerived ? 1 : 0, flags: 0)
        }
      }
  }

  func remoteKey(_ path: BytePath, _ dot: Dot) -> [UInt8] { StoreKey.remote(folder, path, dot) }

  /// At start: everything known and not applied.
  func loadPending() throws(SoftadastraError) {
    let prefix = StoreKey.remotePrefix(folder)
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: 1024)
      for (key, _) in page {
        guard let entry = try store.get(key), let (path, _) = StoreKey.version(ofRemoteKey: key) else { continue }
        do {
          var item = PendingTree.Item(path: path, entry: try FileEntry(remoteTree: entry.value), origins: [])
          item.isDerived = entry.tag == 1
          item.record = entry.sequence
          let dot = item.entry.version.dot
          for old in pending.add(item) {
            pending.update(path, dot) { $0.overtaken += old.overtaken + (old.entry.isDeleted ? [] : [old.entry]) }
          }
          if let newer = pending.supersedes(path, item.entry.version) {
            pending.remove(path, dot)
            pending.update(path, newer.entry.version.dot) { $0.overtaken += item.overtaken + [item.entry] }
          }
        } catch {
          throw SoftadastraError(
            .damaged, "remote tree record", at: path.description, why: "\(error)", hint: "run softadastra wal verify")
        }
      }
      guard page.count == 1024 else { return }
      after = page.last!.key
    }
  }
}
