internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// What a member that returns has of a space: names and versions, a message at a time.
///
/// Of a folder first what waits to be applied, then the entries: what is applied meanwhile is found among these.
/// Conflict copies and what a power loss left are not listed: nobody deletes them for others.
struct Inventory {
  typealias Item = SyncMessage.InventoryItem

  /// A message is cut at about this many bytes.
  private static let messageBytes = 1 << 20
  private static let pageEntries = 256

  private let space: SpaceID
  private let known: VersionVector
  /// Nothing else is listed.
  private var listing: ArraySlice<Item>?
  private var isInRemoteTree: Bool
  private var after: [UInt8]?

  /// - Parameter known: by the one who asks. Nothing else is listed.
  init(of space: SpaceID, known: VersionVector) {
    (self.space, self.known) = (space, known)
    isInRemoteTree = if case .folder = space { true } else { false }
  }

  init(listing items: [Item]) {
    self.init(of: .values, known: VersionVector())
    listing = items[...]
  }

  /// At most `SyncMessage.maxWantedKeys` items, and no more records read than that.
  mutating func next(in store: Store) -> (items: [Item], isLast: Bool) {
    if listing != nil { return nextListed() }
    var items: [Item] = []
    var bytes = 0
    for _ in 0..<(SyncMessage.maxWantedKeys / Self.pageEntries) {
      let prefix = if isInRemoteTree, case .folder(let id) = space { StoreKey.remotePrefix(id) } else { space.prefix }
      let page = store.list(prefix: prefix, after: after, limit: Self.pageEntries)
      for (key, summary) in page {
        after = key
        guard let item = isInRemoteTree ? waiting(key, in: store) : entry(key, summary) else { continue }
        items.append(item)
        bytes += item.key.count + 16
        if bytes >= Self.messageBytes { return (items, false) }
      }
      guard page.count < Self.pageEntries else { continue }
      guard isInRemoteTree else { return (items, true) }
      (isInRemoteTree, after) = (false, nil)
    }
    return (items, false)
  }

  private mutating func nextListed() -> (items: [Item], isLast: Bool) {
    var items: [Item] = []
    var bytes = 0
    while items.count < SyncMessage.maxWantedKeys, bytes < Self.messageBytes, let item = listing?.popFirst() {
      items.append(item)
      bytes += item.key.count + 16
    }
    return (items, listing?.isEmpty ?? true)
  }

  private func entry(_ key: [UInt8], _ summary: EntrySummary) -> Item? {
    guard let dot = summary.dot, known.covers(dot) else { return nil }
    if case .folder = space {
      guard summary.flags == 0, let path = StoreKey.path(ofFileKey: key), !ConflictName.isConflictCopy(path) else {
        return nil
      }
    }
    return Item(key: Array(key.dropFirst(space.prefix.count)), dot: dot)
  }

  private func waiting(_ key: [UInt8], in store: Store) -> Item? {
    guard case .folder(let folder) = space, let (path, dot) = StoreKey.version(ofRemoteKey: key), known.covers(dot),
      !ConflictName.isConflictCopy(path), let record = try? store.get(key),
      let entry = try? FileEntry(remoteTree: record.value), !entry.isDeleted, !entry.isConflictCopy, !entry.isLost
    else { return nil }
    return Item(key: Array(StoreKey.file(folder, path).dropFirst(space.prefix.count)), dot: dot)
  }
}
