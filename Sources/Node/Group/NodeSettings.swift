internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport

/// A folder that this node mirrors: where it lies, and which way.
///
/// | field  | form        |
/// | ------ | ----------- |
/// | format | u8 = 1      |
/// | path   | byte string |
/// | mode   | text        |
struct WatchedFolder: Sendable, Hashable {
  var id: FolderID
  var path: String
  var mode: String
}

/// What this node remembers for itself, in the store under local keys: its group, folders, invites, addresses.
struct NodeSettings: Sendable {
  let store: Store

  private static let group = "group"
  private static let folderPrefix = "folder/"
  private static let invitePrefix = "invite/"
  private static let peerPrefix = "peer/"
  private static let knownPrefix = "known/"
  private static let pendingJoin = "pending-join"
  private static let introduction = "introduction"

  // MARK: Group

  func loadGroup() throws(SoftadastraError) -> GroupState? {
    try value(Self.group).map { bytes throws(SoftadastraError) in try GroupState(setting: bytes) }
  }

  func groupMutation(_ group: GroupState) -> Mutation { put(Self.group, group.encoded()) }

  // MARK: Folders

  func folders() -> [WatchedFolder] {
    list(Self.folderPrefix).compactMap { name, bytes in
      guard let id = FolderID(name) else { return nil }
      return try? decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
        try reader.expectFormat(1)
        let path = try reader.byteString(limit: BytePath.maxBytes, "path")
        return WatchedFolder(
          id: id, path: String(decoding: path, as: UTF8.self), mode: try reader.text(limit: 32, "mode"))
      }
    }
  }

  func folderMutation(_ folder: WatchedFolder) -> Mutation {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.text(folder.path)
    writer.text(folder.mode)
    return put(Self.folderPrefix + "\(folder.id)", writer.bytes)
  }

  func folderRemoval(_ id: FolderID) -> Mutation { .erase(key: StoreKey.setting(Self.folderPrefix + "\(id)")) }

  // MARK: Invites

  func invites() -> [OpenInvite] { list(Self.invitePrefix).compactMap { OpenInvite(decoding: $0.1) } }

  func inviteMutation(_ invite: OpenInvite) -> Mutation { put(Self.invitePrefix + name(invite), invite.encoded()) }
  func removal(of invite: OpenInvite) -> Mutation { .erase(key: StoreKey.setting(Self.invitePrefix + name(invite))) }

  private func name(_ invite: OpenInvite) -> String { Base32.encode(invite.invite.id) }

  func loadPendingJoin() -> Invite? {
    guard let bytes = try? value(Self.pendingJoin) else { return nil }
    return try? Invite(text: String(decoding: bytes, as: UTF8.self))
  }

  func pendingJoinMutation(_ invite: Invite) -> Mutation { put(Self.pendingJoin, Array(invite.text.utf8)) }
  func pendingJoinRemoval() -> Mutation { .erase(key: StoreKey.setting(Self.pendingJoin)) }

  // MARK: A key that an older one of this home let in

  /// Shown to members that do not know this node.
  func introduction() -> MemberRecord? {
    guard let bytes = try? value(Self.introduction) else { return nil }
    return try? MemberRecord(decoding: bytes)
  }

  func introductionMutation(_ record: MemberRecord) -> Mutation { put(Self.introduction, record.encoded()) }
  func introductionRemoval() -> Mutation { .erase(key: StoreKey.setting(Self.introduction)) }

  // MARK: Addresses that a person gave

  func peerAddresses() -> [String] { list(Self.peerPrefix).map(\.0) }
  func peerAddressMutation(_ address: String) -> Mutation { put(Self.peerPrefix + address, []) }
  /// Fails with `.notFound` if the address was never added.
  func peerAddressRemoval(checking address: String) throws(SoftadastraError) -> Mutation {
    let address = PeerAddress(address)?.description ?? address
    guard peerAddresses().contains(address) else {
      throw SoftadastraError(
        .notFound, "peer address", at: BytePath.escape(address.utf8), why: "it was not added",
        hint: "give HOST:PORT as it was given to 'softadastra peers add'")
    }
    return .erase(key: StoreKey.setting(Self.peerPrefix + address))
  }

  // MARK: Addresses at which members were reached

  static let maxKnownAddresses = 4

  func knownAddresses() -> [(NodeID, String)] {
    list(Self.knownPrefix).flatMap { name, bytes -> [(NodeID, String)] in
      guard let node = NodeID(name) else { return [] }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").reversed().map { (node, String($0)) }
    }
  }

  /// Nil if it is the latest already.
  func knownAddressMutation(_ node: NodeID, _ address: String) -> Mutation? {
    let old = knownAddresses().filter { $0.0 == node }.map(\.1).reversed() as [String]
    if old.first == address { return nil }
    let all = [address] + old.filter { $0 != address }
    return put(
      Self.knownPrefix + Base32.encode(node.bytes),
      Array(all.prefix(Self.maxKnownAddresses).joined(separator: "\n").utf8))
  }

  // MARK: The boot of the machine in which the folders were mirrored last

  private static let boot = "boot"

  func boot() -> String? { (try? value(Self.boot)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) } }
  func bootMutation(_ boot: String) -> Mutation { put(Self.boot, Array(boot.utf8)) }

  // MARK: What was found damaged and is not told yet

  private static let damageReport = "damage-report"

  func damageReport() -> [String] {
    let bytes = (try? value(Self.damageReport)) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }

  func damageReportMutation(_ lines: [String]) -> Mutation {
    put(Self.damageReport, Array(lines.joined(separator: "\n").utf8))
  }

  func damageReportRemoval() -> Mutation { .erase(key: StoreKey.setting(Self.damageReport)) }

  // MARK: What archived versions age by

  private static let agingPrefix = "versions-clock/"

  func agingClock(of folder: FolderID) -> UTCTime? {
    guard let bytes = try? value(Self.agingPrefix + "\(folder)") else { return nil }
    return (try? decode(bytes) { (reader: inout ByteReader) throws(CodingError) in try reader.int64() })
      .map { UTCTime(secondsSince1970: $0) }
  }

  func agingClockMutation(_ time: UTCTime, of folder: FolderID) -> Mutation {
    var writer = ByteWriter(capacity: 8)
    writer.int64(time.secondsSince1970)
    return put(Self.agingPrefix + "\(folder)", writer.bytes)
  }

  // MARK: Plain values

  func value(_ name: String) throws(SoftadastraError) -> [UInt8]? {
    try store.get(StoreKey.setting(name))?.value
  }

  func put(_ name: String, _ value: [UInt8]) -> Mutation {
    .put(key: StoreKey.setting(name), value: value, version: nil)
  }

  func removal(_ name: String) -> Mutation { .erase(key: StoreKey.setting(name)) }

  func list(_ prefix: String) -> [(String, [UInt8])] {
    let key = StoreKey.setting(prefix)
    return store.list(prefix: key, after: nil, limit: 4096).compactMap { item in
      guard let entry = try? store.get(item.key) else { return nil }
      return (String(decoding: item.key.dropFirst(key.count), as: UTF8.self), entry.value)
    }
  }
}
