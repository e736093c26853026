import Glibc
import SoftadastraCore
@testable import SoftadastraStore
import TestSupport
import Testing

func key(_ text: String) -> [UInt8] { Array(text.utf8) }

func openStore(_ disk: any Disk, segment: Int = 8192, seed: UInt64 = 1, sums: SumRule? = nil) throws -> Store {
  try Store.open(
    disk: disk,
    options: StoreOptions(segmentBytes: segment, cacheBytes: 4096, isMaintainedAutomatically: false, sums: sums),
    time: SystemTime(), random: SeededSource(seed: seed))
}

let author = AuthorTag(rawValue: 7)

extension Store {
  @discardableResult
  func put(_ name: String, _ value: String) throws -> CommitTicket {
    let version = newVersion(basedOn: VersionVector(), author: author)
    let ticket = try commit([.put(key: key(name), value: key(value), version: version)])
    try waitBlocking(ticket)
    return ticket
  }
}

@Suite struct StoreTests {
  @Test func whatWasCommittedIsThereAfterReopening() throws {
    let disk = MemoryDisk()
    var store = try openStore(disk)
    let replica = store.replica
    try store.put("a", "1")
    try store.put("b", "2")
    try store.waitBlocking(
      store.commit([.delete(key: key("a"), version: nil, tag: 5, flags: 2), .erase(key: key("x"))]))
    try store.waitBlocking(store.commit([.retag(key: key("b"), tag: 99)]))
    let counter = store.newVersion(basedOn: VersionVector(), author: author).dot.counter
    store.closeBlocking()
    store = try openStore(disk, seed: 2)
    #expect(store.replica == replica)
    #expect(try store.get(key("a"))?.isDeleted == true)
    #expect(store.summary(key("a"))?.flags == 2)
    let b = try #require(try store.get(key("b")))
    #expect(b.value == key("2") && b.tag == 99 && b.version?.dot.replica == replica)
    #expect(store.entryCount == 1 && store.tombstoneCount == 1)
    // A dot that was used is never handed out again.
    #expect(store.newVersion(basedOn: VersionVector(), author: author).dot.counter >= counter)
    store.closeBlocking()
  }

  /// What a crash would bring back is not passed over.
  @Test(arguments: [false, true]) func theFeedEndsBeforeWhatIsReplacedUntilThatIsDurable(crashes: Bool) throws {
    let disk = MemoryDisk()
    let store = try openStore(disk)
    let first = try store.put("fa", "1").sequences.lowerBound
    try store.put("fb", "1")
    disk.fail(.write, count: 1000, errno: ENOSPC)
    #expect(throws: SoftadastraError.self) { try store.put("fa", "2") }
    let held = store.changes(prefix: key("f"), since: 0, limit: 100)
    #expect(held.entries.isEmpty && held.through == first - 1 && held.isTruncated)
    // Whoever is past it already is not held up.
    let rest = store.changes(prefix: key("f"), since: first, limit: 100)
    #expect(rest.entries.map(\.key) == [key("fb")] && !rest.isTruncated)

    let later: Store
    if crashes {
      later = try openStore(disk.crash(seed: 1), seed: 2)
    } else {
      disk.clearFaults()
      // The log tries again by itself.
      for _ in 0..<10_000 where store.durableSequence < store.lastSequence { usleep(1000) }
      try store.put("fc", "1")
      later = store
    }
    let page = later.changes(prefix: key("f"), since: held.through, limit: 100)
    #expect(page.entries.map(\.key) == (crashes ? ["fa", "fb"] : ["fb", "fa", "fc"]).map(key) && !page.isTruncated)
    later.closeBlocking()
  }

  @Test func limitsAreNamed() throws {
    let store = Store.inMemory(time: SystemTime(), random: SeededSource(seed: 1))
    for (mutation, text) in [
      (Mutation.erase(key: []), "empty"),
      (.erase(key: [UInt8](repeating: 1, count: 65537)), "65536"),
      (.put(key: [1], value: [UInt8](repeating: 0, count: (8 << 20) + 1), version: nil), "8388608"),
    ] {
      let error = #expect(throws: SoftadastraError.self) { try store.commit([mutation]) }
      #expect(error?.code == .invalid && error?.why.contains(text) == true)
    }
    #expect(store.lastSequence == 0)
    try store.commit([.put(key: [UInt8](repeating: 1, count: 65536), value: [], version: nil)])
  }

  @Test func tooManyReplicasAreRefusedAsAWhole() throws {
    let disk = MemoryDisk()
    let store = try openStore(disk, segment: 1 << 20)
    func batch(_ numbers: Range<Int>) -> [Mutation] {
      numbers.map { number in
        let dot = Dot(replica: ReplicaID(rawValue: UInt64(number) + 1000), counter: 1)
        let version = Version(
          vector: VersionVector([dot]), dot: dot, stamp: HybridTimestamp(rawValue: 5), author: author)
        return .put(key: key("\(number)"), value: [1], version: version)
      }
    }
    for block in 0..<65 { try store.commit(batch(block * 1000..<(block + 1) * 1000)) }
    let error = #expect(throws: SoftadastraError.self) { try store.commit(batch(65_000..<66_000)) }
    #expect(error?.code == .limit && error?.wasAccepted == false && store.entryCount == 65_000)
    // What is known already, and as many as fit.
    try store.commitBlocking(batch(64_000..<65_535))
    store.closeBlocking()
    let again = try openStore(disk, segment: 1 << 20, seed: 2)
    #expect(again.log.damage.isEmpty && again.entryCount == 65_535)
  }

  @Test func compareAndSwap() throws {
    let store = Store.inMemory(time: SystemTime(), random: SeededSource(seed: 1))
    let put = Mutation.put(
      key: key("k"), value: [1], version: store.newVersion(basedOn: VersionVector(), author: author))
    try store.commit([put], if: CommitCondition(key: key("k"), expected: nil))
    let error = #expect(throws: SoftadastraError.self) {
      try store.commit([put], if: CommitCondition(key: key("k"), expected: nil))
    }
    #expect(error?.code == .versionMismatch)
    let dot = store.summary(key("k"))?.dot
    try store.commit([.erase(key: key("k"))], if: CommitCondition(key: key("k"), expected: dot))
    #expect(store.summary(key("k")) == nil)
  }

  @Test func theFeedShowsEachKeyOnce() throws {
    let store = Store.inMemory(time: SystemTime(), random: SeededSource(seed: 1))
    for number in 0..<10 { try store.put("f\(number % 5)", "\(number)") }
    try store.put("g", "other")
    try store.commit([.retag(key: key("f0"), tag: 4)])
    let page = store.changes(prefix: key("f"), since: 0, limit: 100)
    #expect(page.entries.map(\.summary.sequence) == [6, 7, 8, 9, 10])
    #expect(page.through == 12 && !page.isTruncated)
    let part = store.changes(prefix: key("f"), since: 0, limit: 2)
    #expect(part.through == 7 && part.isTruncated)
    let rest = store.changes(prefix: key("f"), since: part.through, limit: 100)
    #expect(rest.entries.map(\.summary.sequence) == [8, 9, 10])
    #expect(store.changes(prefix: key("g"), since: 0, limit: 1).entries.count == 1)
    #expect(store.changes(prefix: key("f"), since: 12, limit: 1).entries.isEmpty)
  }

  @Test func memoryIsGivenBackBetweenChanges() throws {
    let disk = MemoryDisk()
    var store = try openStore(disk)
    let names = (0..<9000).map { key("k\($0)") }
    for start in stride(from: 0, to: names.count, by: 1000) {
      try store.commit(names[start..<start + 1000].map { .put(key: $0, value: $0, version: nil, tag: 1) })
    }
    try store.commit(names[1000...].map { .erase(key: $0) })
    store.giveBackMemory()
    for name in names[..<1000] { #expect(try store.get(name)?.value == name) }
    #expect(store.closeGaps())
    #expect(!store.closeGaps())
    for name in names[..<1000] { #expect(try store.get(name)?.value == name) }
    try store.commit([.put(key: names[5], value: key("new"), version: nil, tag: 2), .erase(key: names[6])])
    let expected = names[..<1000].filter { $0 != names[6] }
    for isReopened in [false, true] {
      if isReopened {
        store.closeBlocking()
        store = try openStore(disk)
      }
      let listed = store.list(prefix: [], limit: .max).map(\.key)
      #expect(listed == expected.sorted { $0.lexicographicallyPrecedes($1) })
      for name in names[..<1000] where name != names[6] {
        #expect(try store.get(name)?.value == (name == names[5] ? key("new") : name))
      }
      #expect(try store.get(names[6]) == nil && store.get(names[4000]) == nil)
      #expect(store.changes(prefix: [], since: 0, limit: .max, upTo: .max).entries.last?.key == names[5])
    }
    store.closeBlocking()
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func aBatchIsAllOrNothing(seed: UInt64) throws {
    for death in 8..<60 {
      let disk = MemoryDisk()
      disk.die(afterCalls: death)
      var acknowledged = 0
      if let store = try? openStore(disk, segment: 4096, seed: seed) {
        for number in 1... {
          let batch = (0..<5).map {
            Mutation.put(key: key("k\($0)"), value: [UInt8](repeating: UInt8(number), count: 200), version: nil)
          }
          guard let ticket = try? store.commit(batch), (try? store.waitBlocking(ticket)) != nil else { break }
          acknowledged = number
          if number % 5 == 0, (try? store.compact()) == nil { break }
        }
        store.closeBlocking()
      }
      let store = try openStore(disk.crash(seed: seed &+ UInt64(death)), seed: 99)
      #expect(store.log.damage.isEmpty)
      let values = try (0..<5).map { try store.get(key("k\($0)"))?.value.first.map { Int($0) } ?? 0 }
      #expect(Set(values).count == 1, "\(values)")
      #expect(values[0] == acknowledged || values[0] == acknowledged + 1, "seed \(seed), death \(death)")
      store.closeBlocking()
    }
  }

  /// Each call of a checkpoint and of a compaction fails once: what was there stays, also after a crash.
  @Test(
    arguments: [EIO, ENOSPC, EROFS],
    [MemoryDisk.Operation.open, .write, .sync, .rename, .remove, .syncDirectory, .truncate])
  func aCallThatFailsInMaintenanceTakesNothingAway(errno: Int32, operation: MemoryDisk.Operation) throws {
    for after in 0..<10 {
      let disk = MemoryDisk()
      let store = try openStore(disk, segment: 4096)
      var model: [String: String] = [:]
      for number in 0..<90 {
        try store.put("k\(number % 30)", "\(number)")
        model["k\(number % 30)"] = "\(number)"
      }
      disk.fail(operation, after: after, errno: errno)
      _ = try? store.checkpoint()
      _ = try? store.compact()
      disk.clearFaults()
      // It goes on, or says that it does not.
      if (try? store.put("later", "1")) != nil { model["later"] = "1" }
      for (name, value) in model { #expect(try store.get(key(name))?.value == key(value), "\(operation) \(after)") }
      store.closeBlocking()
      let again = try openStore(disk.crash(seed: UInt64(after)), seed: 9)
      #expect(again.log.damage.isEmpty)
      for (name, value) in model { #expect(try again.get(key(name))?.value == key(value), "\(operation) \(after)") }
      again.closeBlocking()
    }
  }

  @Test func aDamagedCheckpointIsIgnored() throws {
    let disk = MemoryDisk()
    var store = try openStore(disk)
    for number in 0..<50 { try store.put("k\(number)", "v\(number)") }
    try store.checkpoint()
    store.closeBlocking()
    let whole = try #require(disk.bytes("checkpoint"))
    for at in stride(from: 0, to: whole.count, by: 97) {
      var bytes = whole
      bytes[at] ^= 1
      disk.replace("checkpoint", bytes)
      store = try openStore(disk)
      #expect(store.entryCount == 50)
      #expect(try store.get(key("k7"))?.value == key("v7"))
      store.closeBlocking()
    }
  }
}
