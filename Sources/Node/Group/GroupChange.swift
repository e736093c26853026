internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// Leaving one group for another: everything that belonged to the old one goes, in commits of bounded size.
///
/// The first commit notes the new group, and which folders are to be taken along; the last one removes the note and puts
/// the new group's secrets in place. A node that is started in between goes on from the note, before it does anything
/// else. Values are set aside (`KeptValues`); files are taken in again from the disk, under the new group's hash.
///
/// | setting                  | value                                                                        |
/// | ------------------------ | ---------------------------------------------------------------------------- |
/// | `group-change/next`      | the new group, as under `group`; there until nothing of the old one is left   |
/// | `group-change/folder/ID` | the folder's name in the old group; there until the folder runs in the new one |
struct GroupChange {
  static let prefix = "group-change/"
  private static let next = prefix + "next"
  private static let folderPrefix = prefix + "folder/"
  private static let left = [
    Namespace.group, Namespace.file, Namespace.remote, Namespace.moveIntent, Namespace.cursor, Namespace.watermark,
    Namespace.withheld,
  ]

  let store: Store
  /// Keys in one commit, and bytes of values: it ends with the one that exceeds them.
  var pageSize = 8192
  var commitBytes = KeptValues.commitBytes
  private var settings: NodeSettings { NodeSettings(store: store) }

  /// Durable when it returns: from here on the old group is left.
  func begin(to new: GroupState, taking folders: [(id: FolderID, name: String)]) async throws(SoftadastraError) {
    let marks = folders.map { settings.put(Self.folderPrefix + "\($0.id)", Array($0.name.utf8)) }
    try await store.wait(try store.commit(marks + [settings.put(Self.next, new.encoded())]))
  }

  /// The group that is being entered: what an interrupted change left behind.
  func pending() throws(SoftadastraError) -> GroupState? {
    try settings.value(Self.next).map { bytes throws(SoftadastraError) in try GroupState(setting: bytes) }
  }

  /// Goes on to the end, durably: the replica, the old group's records and values, then the group itself.
  func finish(to new: GroupState) async throws(SoftadastraError) {
    _ = try store.resetReplica()
    while true {
      // In one step with the look that finds nothing more: what is put meanwhile does not stay, either.
      let (ticket, isLast) = try store.inOrder { () throws(SoftadastraError) -> (CommitTicket, Bool) in
        if let some = try leaveSome() { return (some, false) }
        let end = [settings.groupMutation(new), settings.introductionRemoval(), settings.removal(Self.next)]
        return (try store.commit(end), true)
      }
      try await store.wait(ticket)
      if isLast { return }
    }
  }

  /// One step; nil if nothing of the old group is left.
  func leaveSome() throws(SoftadastraError) -> CommitTicket? {
    for namespace in Self.left { if let some = try eraseSome(namespace) { return some } }
    return try setSomeAside()
  }

  private func eraseSome(_ namespace: UInt8) throws(SoftadastraError) -> CommitTicket? {
    let keys = store.list(prefix: [namespace], limit: pageSize, includeDeleted: true).map(\.key)
    return keys.isEmpty ? nil : try store.commit(keys.map { .erase(key: $0) })
  }

  private func setSomeAside() throws(SoftadastraError) -> CommitTicket? {
    var mutations: [Mutation] = []
    var bytes = 0
    for (key, _) in store.list(prefix: SpaceID.values.prefix, limit: pageSize, includeDeleted: true) {
      if let entry = try store.get(key), !entry.isDeleted {
        mutations.append(KeptValues.settingAside(key, entry.value))
        bytes += entry.value.count
      }
      mutations.append(.erase(key: key))
      if bytes >= commitBytes { break }
    }
    return mutations.isEmpty ? nil : try store.commit(mutations)
  }

  // MARK: Folders on their way into the new group

  /// Its name in the old one; nil if it is not on its way.
  func name(ofTaken folder: FolderID) throws(SoftadastraError) -> String? {
    try settings.value(Self.folderPrefix + "\(folder)").map { String(decoding: $0, as: UTF8.self) }
  }

  func takenRemoval(_ folder: FolderID) -> Mutation { settings.removal(Self.folderPrefix + "\(folder)") }
}
