import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraNode

/// What belonged to the old group goes, whatever interrupts that; values and folders come along.
@Suite struct GroupChangeTests {
  private let author = AuthorTag(rawValue: 3)
  private let folder = FolderID(rawValue: 77)
  private let new = GroupState.create(random: SeededSource(seed: 5))

  /// Of a few keys, and three values, a commit.
  private func change(_ store: Store) -> GroupChange { GroupChange(store: store, pageSize: 128, commitBytes: 2500) }

  private func open(_ disk: MemoryDisk) throws -> Store {
    try Store.open(
      disk: disk, options: StoreOptions(isMaintainedAutomatically: false), time: ManualTime(),
      random: SeededSource(seed: 1))
  }

  /// A home with files, values and records, whose group is about to be left.
  private func fill(_ store: Store, values: Int, bytes: Int) async throws {
    func version() -> Version { store.newVersion(basedOn: VersionVector(), author: author) }
    var mutations: [Mutation] = [NodeSettings(store: store).groupMutation(GroupState.create(random: SystemRandom()))]
    for number in 0..<300 {
      let path = BytePath("file \(number)")
      mutations.append(.put(key: StoreKey.file(folder, path), value: [1, 2, 3], version: version()))
    }
    mutations.append(
      .put(key: FolderRecord.storeKey(folder), value: FolderRecord(name: "f").encoded(), version: version()))
    mutations.append(.delete(key: StoreKey.value(Array("deleted".utf8)), version: version()))
    try await store.wait(try store.commit(mutations))
    for number in 0..<values {
      let value = [UInt8](repeating: UInt8(number & 255), count: bytes)
      try await store.wait(
        try store.commit([.put(key: StoreKey.value(Array("v\(number)".utf8)), value: value, version: version())]))
    }
  }

  private func check(_ store: Store, values: Int, bytes: Int) async throws {
    #expect(try NodeSettings(store: store).loadGroup() == new)
    #expect(try GroupChange(store: store).pending() == nil)
    for prefix in [SpaceID.group.prefix, [Namespace.file], SpaceID.values.prefix] {
      #expect(store.list(prefix: prefix, limit: 1, includeDeleted: true).isEmpty)
    }
    try await KeptValues(store: store, author: author).putAnew()
    #expect(store.list(prefix: [Namespace.kept], limit: 1).isEmpty)
    #expect(store.list(prefix: SpaceID.values.prefix, limit: values + 1).count == values)
    for number in 0..<values {
      let entry = try #require(try store.get(StoreKey.value(Array("v\(number)".utf8))))
      #expect(entry.value == [UInt8](repeating: UInt8(number & 255), count: bytes))
    }
    #expect(try GroupChange(store: store).taken(folder)?.name == "f")
  }

  private func oldGroup(_ store: Store) throws -> GroupID {
    try #require(try NodeSettings(store: store).loadGroup()).id
  }

  /// A damaged log may bring the note back that was erased at the end.
  @Test func aNoteOfAnEarlierChangeCountsAsNothing() async throws {
    let store = try open(MemoryDisk())
    try await fill(store, values: 1, bytes: 10)
    let change = change(store)
    try await change.begin(from: try oldGroup(store), to: new, taking: [])
    let key = StoreKey.setting(GroupChange.prefix + "next")
    let note = try #require(try store.get(key)).value
    try await change.finish(to: new)
    try await store.wait(try store.commit([.put(key: key, value: note, version: nil)]))
    #expect(try change.pending() == nil)
    store.closeBlocking()
  }

  /// More values than one commit takes.
  @Test func everythingOfTheOldGroupGoes() async throws {
    let store = try open(MemoryDisk())
    try await fill(store, values: 40, bytes: 1000)
    let (change, before) = (change(store), store.replica)
    try await change.begin(from: try oldGroup(store), to: new, taking: [(folder, "f")])
    #expect(try change.pending() == new)
    try await change.finish(to: new)
    #expect(store.replica != before)
    try await check(store, values: 40, bytes: 1000)
    store.closeBlocking()
  }

  /// The log ends anywhere between the first and the last commit.
  @Test(arguments: 0...14) func anInterruptedChangeGoesOn(commits: Int) async throws {
    let disk = MemoryDisk()
    do {
      let store = try open(disk)
      try await fill(store, values: 30, bytes: 1000)
      let change = change(store)
      try await change.begin(from: try oldGroup(store), to: new, taking: [(folder, "f")])
      for _ in 0..<commits { if let ticket = try change.leaveSome() { try await store.wait(ticket) } }
      store.closeBlocking()
    }
    let store = try open(disk)
    let change = change(store)
    try await change.finish(to: try #require(try change.pending()))
    try await check(store, values: 30, bytes: 1000)
    store.closeBlocking()
  }
}
