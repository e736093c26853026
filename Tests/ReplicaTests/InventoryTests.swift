import SoftadastraCore
@testable import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraReplica

@Suite struct InventoryTests {
  private static let author = AuthorTag(rawValue: 3)
  private static let folder = FolderID(rawValue: 5)
  private static let space = SpaceID.folder(folder)
  private static let value = StoredFileValue(FileValue(kind: .directory, permissions: 0o755))

  private func messages(_ inventory: Inventory, _ store: Store) -> [[SyncMessage.InventoryItem]] {
    var inventory = inventory
    var messages: [[SyncMessage.InventoryItem]] = []
    while true {
      let (items, isLast) = inventory.next(in: store)
      messages.append(items)
      if isLast { return messages }
    }
  }

  /// Each can be decoded: also where some of a page are left out, so that pages and messages do not end together.
  @Test(arguments: [0, 1, 255, 256, 4096, 10_000]) func noMessageIsTooLarge(count: Int) throws {
    let store = try restingStore()
    var versions: [Version] = []
    for number in 0..<count {
      let version = store.newVersion(basedOn: VersionVector(), author: Self.author)
      let flags = number % 100 == 50 ? Change.Flags.conflictCopy.rawValue : 0
      let key = StoreKey.file(Self.folder, BytePath("f\(number)"))
      try store.commit([.put(key: key, value: Self.value.encoded(), version: version, flags: flags)])
      if flags == 0 { versions.append(version) }
    }
    // The last one was made while this node was away.
    let known = VersionVector(versions.dropLast().map(\.dot))
    let messages = messages(Inventory(of: Self.space, known: known), store)
    for items in messages {
      let message = SyncMessage.inventory(Self.space, items, isLast: false)
      let decoded = try SyncMessage.decode(kind: message.kind, SharedBytes(message.encoded()))
      guard case .inventory = decoded else {
        Issue.record("it is another message")
        return
      }
    }
    #expect(Set(messages.joined().map(\.dot)) == Set(versions.dropLast().map(\.dot)))
    #expect(messages.joined().count == max(versions.count - 1, 0))
  }

  /// Nobody else may have what waits here.
  @Test func whatWaitsToBeAppliedIsListed() throws {
    let store = try restingStore()
    let names = ["entry", "waiting", "copy", "deleted"].map { BytePath($0) }
    let versions = names.map { _ in store.newVersion(basedOn: VersionVector(), author: Self.author) }
    try store.commit([
      .put(key: StoreKey.file(Self.folder, names[0]), value: Self.value.encoded(), version: versions[0])
    ])
    for number in 1...3 {
      let entry = FileEntry(
        version: versions[number], stored: number == 3 ? nil : Self.value, isConflictCopy: number == 2)
      try store.commit([
        .put(
          key: StoreKey.remote(Self.folder, names[number], versions[number].dot),
          value: entry.encodedForRemoteTree(), version: nil)
      ])
    }
    let messages = messages(Inventory(of: Self.space, known: VersionVector(versions.map(\.dot))), store)
    #expect(messages.count == 1)
    #expect(
      Set(messages[0])
        == Set(
          [0, 1].map {
            SyncMessage.InventoryItem(
              key: Array(StoreKey.file(Self.folder, names[$0]).dropFirst(Self.space.prefix.count)),
              dot: versions[$0].dot)
          }))
  }
}
