internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// Leaving one group for another: everything that belonged to the old one goes, in commits of bounded size.
///
/// The first commit notes the new group, and which folders are to be taken along; the last one removes the note and puts
/// the new group's secrets in place. A node that is started in between goes on from the note, before it does anything
/// else. Values are set aside (`KeptValues`); files are taken in again from the disk, under the new group's hash.
///
/// | setting                  | value                                       | there until                                |
/// | ------------------------ | ------------------------------------------- | ------------------------------------------ |
/// | `group-change/next`      | old group (u64 u64), new one as in `group`   | nothing of the old group is left           |
/// | `group-change/folder/ID` | old group (u64 u64), the folder's name there | the folder runs in the new one             |
///
/// What a damaged log brings back of them names a group that is not this node's any more, and counts as nothing.
struct GroupChange {
  static let prefix = "group-change/"
  private static let next = prefix + "next"
  private static let folderPrefix = prefix + "folder/"

  private static let erased = [
    Namespace.group, Namespace.file, Namespace.remote, Namespace.moveIntent, Namespace.unwanted, Namespace.cursor,
    Namespace.watermark, Namespace.withheld,
  ]

  let store: Store
  /// Keys in one commit, and bytes of values: it ends with the one that exceeds them.
  var pageSize = 8192
  var commitBytes = KeptValues.commitBytes
  private var settings: NodeSettings { NodeSettings(store: store) }

  /// Durable when it returns: from here on the old group is left.
  func begin(
    from old: GroupID, to new: GroupState, taking folders: [(id: FolderID, name: String)]
  ) async throws(SoftadastraError) {
    let marks = folders.map { settings.put(Self.folderPrefix + "\($0.id)", Taken(from: old, name: $0.name).encoded()) }
    var note = ByteWriter()
    old.encode(into: &note)
    new.encode(into: &note)
    try await store.wait(try store.commit(marks + [settings.put(Self.next, note.bytes)]))
  }

  /// The group that is being entered: what an interrupted change left behind.
  func pending() throws(SoftadastraError) -> GroupState? {
    guard let bytes = try settings.value(Self.next), let current = try settings.loadGroup() else { return nil }
    let note = try? decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      (old: try GroupID(from: &reader), new: try GroupState(from: &reader))
    }
    return note?.old == current.id ? note?.new : nil
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
    for namespace in Self.erased { if let some = try eraseSome(namespace) { return some } }
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
      if let entry = try KeptValues.readable(key, in: store), !entry.isDeleted {
        mutations.append(KeptValues.settingAside(key, entry.value))
        bytes += entry.value.count
      }
      mutations.append(.erase(key: key))
      if bytes >= commitBytes { break }
    }
    return mutations.isEmpty ? nil : try store.commit(mutations)
  }

  // MARK: Folders on their way into the new group

  struct Taken {
    var from: GroupID
    /// In that group.
    var name: String

    func encoded() -> [UInt8] {
      var writer = ByteWriter()
      from.encode(into: &writer)
      writer.text(name)
      return writer.bytes
    }
  }

  /// Nil if it is not on its way.
  func taken(_ folder: FolderID) throws(SoftadastraError) -> Taken? {
    guard let bytes = try settings.value(Self.folderPrefix + "\(folder)") else { return nil }
    return try? decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      Taken(from: try GroupID(from: &reader), name: try reader.text(limit: FolderRecord.maxNameBytes, "name"))
    }
  }

  func takenRemoval(_ folder: FolderID) -> Mutation { settings.removal(Self.folderPrefix + "\(folder)") }
}
