import SoftadastraCore
import SoftadastraMirror
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@Suite struct ForkHealingTests {
  private let node = NodeID(bytes: [UInt8](repeating: 3, count: NodeID.byteCount))!
  private let folder = FolderID(rawValue: 5)

  @discardableResult
  private func put(_ store: Store, _ name: String, _ text: String) async throws -> Version {
    let key = StoreKey.value(Array(name.utf8))
    let base = try store.get(key)?.version?.vector ?? VersionVector()
    let version = store.newVersion(basedOn: base, author: node.tag)
    try await store.wait(try store.commit([.put(key: key, value: Array(text.utf8), version: version)]))
    return version
  }

  private func version(_ store: Store, _ name: String) throws -> Version {
    try #require(try store.get(StoreKey.value(Array(name.utf8)))?.version)
  }

  @Test func theForkedPartIsIssuedAgainAsConcurrentEdits() async throws {
    let disk = MemoryDisk()
    let store = try restingStore(disk, seed: 1)
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let old = store.replica
    let common = try await put(store, "common", "1")
    let edited = try await put(store, "edited", "1")
    await store.close()
    // A backup of this moment is restored in place later on, and started.
    let again = try restingStore(disk, seed: 2)
    let life = try await ReplicaStart.begin(again, node: node, nonce: 2)
    #expect(again.replica == old && life.nextCounter == 4)
    let forked = try await put(again, "edited", "2")
    let new = try await put(again, "new", "1")
    // Someone else's value that has seen the forked one.
    let theirs = Version(
      vector: forked.vector, dot: Dot(replica: ReplicaID(rawValue: 99), counter: 1), stamp: forked.stamp,
      author: AuthorTag(rawValue: 9))
    try await again.wait(
      try again.commit([.put(key: StoreKey.value(Array("theirs".utf8)), value: [], version: theirs)]))
    var writer = ByteWriter()
    writer.watermark(
      Watermark(
        applied: VersionVector([Dot(replica: old, counter: 40), Dot(replica: ReplicaID(rawValue: 99), counter: 1)]),
        collected: VersionVector([Dot(replica: old, counter: 30)])))
    try await again.wait(
      try again.commit([
        .put(key: StoreKey.watermark(.values), value: writer.bytes, version: nil),
        .put(key: StoreKey.cursor(ReplicaID(rawValue: 99), .values), value: [7], version: nil),
      ]))

    let healed = try await ReplicaStart.begin(again, node: node, nonce: 2, fork: life.nextCounter)
    #expect(again.replica != old && healed.nextCounter == 1)
    #expect(try version(again, "common") == common)
    let reissued = try version(again, "edited")
    #expect(reissued.dot.replica == again.replica)
    #expect(reissued.vector[old] == edited.dot.counter && !reissued.covers(forked))
    #expect(try again.get(StoreKey.value(Array("edited".utf8)))?.value == Array("2".utf8))
    #expect(try version(again, "new").dot.replica == again.replica && !(try version(again, "new").covers(new)))
    let kept = try version(again, "theirs")
    #expect(kept.dot == theirs.dot && kept.vector[old] == life.nextCounter - 1)
    // What the other branch made of the old counters is news here.
    let entry = try #require(try again.get(StoreKey.watermark(.values)))
    let watermark = try decode(entry.value) { (r: inout ByteReader) throws(CodingError) in try r.watermark() }
    #expect(watermark.applied[old] == life.nextCounter - 1 && watermark.applied[ReplicaID(rawValue: 99)] == 1)
    #expect(watermark.applied.covers(watermark.collected))
    #expect(try again.get(StoreKey.cursor(ReplicaID(rawValue: 99), .values)) == nil)
    // The common starts are the other branch's to tell.
    #expect(StartRecord.history(of: old, in: again).starts.isEmpty)
    #expect(StartRecord.history(of: again.replica, in: again).starts.map(\.nonce) == [2])
    await again.close()
  }

  /// Pages and commits end at any place: after a full page, with large values in the middle of one, at the end.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [(1, 0), (511, 0), (512, 0), (513, 0), (1024, 0), (42, 100_000), (100, 100_000)])
  func everyPageIsHealed(count: Int, bytes: Int) async throws {
    let store = try restingStore(MemoryDisk(), seed: 1)
    let life = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let old = store.replica
    for number in 0..<count {
      let version = store.newVersion(basedOn: VersionVector(), author: node.tag)
      let key = StoreKey.value(Array("v\(number)".utf8))
      try await store.wait(
        try store.commit([.put(key: key, value: [UInt8](repeating: 1, count: bytes), version: version)]))
    }
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1, fork: life.nextCounter)
    let healed = store.list(prefix: StoreKey.value([]), limit: .max)
    #expect(healed.count == count && store.replica != old)
    #expect(healed.allSatisfy { $0.summary.dot?.replica == store.replica })
    store.closeBlocking()
  }

  @Test func aCopyReissuesNothing() async throws {
    let disk = MemoryDisk()
    let store = try restingStore(disk, seed: 1)
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let old = store.replica
    let value = try await put(store, "value", "1")
    _ = try await ReplicaStart.begin(store, node: node, nonce: 2, isCopy: true)
    #expect(store.replica != old)
    #expect(try version(store, "value") == value)
    // The next edit has seen it.
    let next = try await put(store, "value", "2")
    #expect(next.covers(value) && next.dot.replica == store.replica && next.dot.counter == 2)
    #expect(StartRecord.history(of: old, in: store).starts.map(\.nonce) == [1])
    await store.close()
  }

  /// The process ends after every few calls of the disk in turn; the next start goes on with the healing.
  @Test func anInterruptedHealingIsFinishedByTheNextStart() async throws {
    var ends = 0
    for calls in stride(from: 0, through: 400, by: 2) {
      let disk = MemoryDisk()
      let store = try restingStore(disk, seed: 1)
      _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
      try await putMany(store, "1")
      let life = try await ReplicaStart.begin(store, node: node, nonce: 2)
      let old = store.replica
      try await putMany(store, "2")
      disk.die(afterCalls: calls)
      let isWhole = (try? await ReplicaStart.begin(store, node: node, nonce: 2, fork: life.nextCounter)) != nil
      let next = try restingStore(disk.kill(), seed: 7)
      // The mark may not have been written: then the fork is told again.
      _ = try await ReplicaStart.begin(
        next, node: node, nonce: 3, fork: next.replica == old ? life.nextCounter : nil)
      #expect(next.replica != old)
      for number in 0..<Self.many {
        let version = try version(next, "value\(number)")
        #expect(version.dot.replica != old && version.vector[old] < life.nextCounter, "after \(calls) calls")
      }
      await next.close()
      ends += 1
      if isWhole { break }
    }
    #expect(ends > 3)
  }

  /// More than one page of the healing.
  private static let many = 600

  private func putMany(_ store: Store, _ text: String) async throws {
    var mutations: [Mutation] = []
    for number in 0..<Self.many {
      let key = StoreKey.value(Array("value\(number)".utf8))
      let base = try store.get(key)?.version?.vector ?? VersionVector()
      mutations.append(
        .put(key: key, value: Array(text.utf8), version: store.newVersion(basedOn: base, author: node.tag)))
    }
    try await store.wait(try store.commit(mutations))
  }

  @Test func aPlaceTellsACopy() {
    let here = StorePlace(machine: "m", inode: 5, born: 1000)
    #expect(!here.isCopy(of: here))
    #expect(StorePlace(machine: "n", inode: 5, born: 1000).isCopy(of: here))
    #expect(StorePlace(machine: "m", inode: 6, born: 2000).isCopy(of: here))
    // Inodes that are numbered anew at each mount.
    #expect(!StorePlace(machine: "m", inode: 6, born: 1000).isCopy(of: here))
    let unborn = StorePlace(machine: "m", inode: 5, born: 0)
    #expect(!unborn.isCopy(of: unborn))
    #expect(StorePlace(machine: "m", inode: 6, born: 0).isCopy(of: unborn))
  }
}
