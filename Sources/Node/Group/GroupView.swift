internal import SoftadastraCore
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync

/// The group's records as this node knows them: who is a member, which folders there are.
struct GroupView: Sendable {
  private(set) var members: [NodeID: MemberRecord] = [:]
  private(set) var folders: [FolderID: String] = [:]
  /// Which node wrote the versions of a replica.
  private(set) var replicas: [ReplicaID: NodeID] = [:]

  /// Reads all group entries of the store. Records that cannot be decoded are left out.
  init(_ store: Store) {
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: SpaceID.group.prefix, after: after, limit: 1024)
      for (key, _) in page where key.count > 2 {
        guard let entry = try? store.get(key) else { continue }
        switch key[1] {
        case MemberRecord.keyMark:
          if let record = try? MemberRecord(decoding: entry.value), MemberRecord.storeKey(record.node) == key {
            members[record.node] = record
          }
        case FolderRecord.keyMark:
          if let id = FolderRecord.folder(ofKey: key), let record = try? FolderRecord(decoding: entry.value) {
            folders[id] = record.name
          }
        case StartRecord.keyMark:
          if let replica = StartRecord.replica(ofKey: key), let record = try? StartRecord(decoding: entry.value) {
            replicas[replica] = record.node
          }
        default: continue
        }
      }
      guard page.count == 1024 else { return }
      after = page.last!.key
    }
  }

  /// Folders of that name, the one with the smallest ID first: two members may have made one each while apart.
  func folders(named name: String) -> [FolderID] { folders.filter { $0.value == name }.keys.sorted() }

  func name(of author: AuthorTag) -> String? { members.first { $0.key.tag == author }?.value.name }
}
