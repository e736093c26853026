import Glibc
import SoftadastraCore
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraStore

/// One that compacts by itself, and soon.
private func openMaintainedStore() throws -> Store {
  try Store.open(
    disk: MemoryDisk(), options: StoreOptions(segmentBytes: 8192, compactionFloorBytes: 1000), time: SystemTime(),
    random: SeededSource(seed: 1))
}

@Suite struct MaintenanceTests {
  @Test func theLogIsTidiedAtRestBeforeItMustBe() async throws {
    let store = try openMaintainedStore()
    let names = (0..<1000).map { key("k\($0)") }
    func put(_ names: some Sequence<[UInt8]>) async throws {
      try await store.wait(try store.commit(names.map { .put(key: $0, value: key("value"), version: nil, tag: 1) }))
    }
    try await put(names)
    try await put(names[..<200])
    // A fifth is superseded: neither a burst nor rest makes that worth the work.
    let fifth = store.log.bytes
    store.compactAtRest()
    try await Task.sleep(for: .milliseconds(100))
    #expect(store.log.bytes == fifth)
    try await put(names[200..<600])
    let before = store.log.bytes
    store.compactAtRest()
    #expect(await eventually { store.log.bytes < before * 3 / 4 })
    for name in names { #expect(try store.get(name)?.value == key("value")) }
    await store.close()
  }

  @Test func whatACompactionCannotFreeIsNoReasonForTheNext() async throws {
    let store = try openMaintainedStore()
    let names = (0..<1000).map { key("k\($0)") }
    try await store.wait(try store.commit(names.map { .put(key: $0, value: [], version: nil, tag: 1) }))
    // They are needed as long as the entries are not written anew, and are more than a third of those.
    try await store.wait(try store.commit(names.map { .retag(key: $0, tag: 2) }))
    try store.compact()
    let compacted = store.log
    for _ in 0..<3 {
      store.compactAtRest()
      try await Task.sleep(for: .milliseconds(50))
    }
    // A compaction writes down the counter.
    #expect(store.log.lastSequence == compacted.lastSequence)
    for name in names { #expect(store.summary(name)?.tag == 2) }
    await store.close()
  }

  enum Pace: CaseIterable { case burst, rest }

  @Test(arguments: Pace.allCases) func erasuresGoAlsoBehindASegmentThatIsMostlyLive(pace: Pace) throws {
    let store = try openStore(MemoryDisk())
    let names = (0..<200).map { key("k\($0)") }
    try store.commit(names.map { .put(key: $0, value: key("value"), version: nil, tag: 1) })
    // One record of them is superseded: their segment stays as it is, and erasures behind it are kept.
    try store.commit([.erase(key: names[0])])
    for start in stride(from: 0, to: 2000, by: 100) {
      let passing = (start..<start + 100).map { key("passing \($0)") }
      try store.commit(passing.map { .put(key: $0, value: [], version: nil, tag: 1) })
      // What is not written yet does not count.
      try store.waitBlocking(try store.commit(passing.map { .erase(key: $0) }))
    }
    let whole = store.log.bytes
    // The first one of a burst spares the segment; the second sees that little could be freed.
    if pace == .burst { for _ in 0..<2 { try store.compact(inBurst: true) } } else { try store.compact(inBurst: false) }
    #expect(store.log.bytes * 2 < whole)
    #expect(store.list(prefix: [], limit: .max).count == names.count - 1)
    store.closeBlocking()
  }

  /// The second one finds a compaction running.
  @Test func whoComesToRestMeanwhileHearsOfItsEndToo() async throws {
    let store = try openMaintainedStore()
    let names = (0..<1000).map { key("k\($0)") }
    let mutations = names.map { Mutation.put(key: $0, value: key("value"), version: nil, tag: 1) }
    try await store.wait(try store.commit(mutations))
    let told = Told()
    // No compaction gets on, not even the one that this commit begins.
    try store.maintenance.gate.withLock { _ in
      try store.waitBlocking(try store.commit(mutations))
      for _ in 0..<3 { store.compactAtRest { told.count.add(1, ordering: .relaxed) } }
      #expect(told.count.load(ordering: .relaxed) == 0)
    }
    #expect(await eventually { told.count.load(ordering: .relaxed) == 3 })
    await store.close()
  }

  /// The cache goes by the numbers that the index gives anew.
  @Test func whatWasReadBeforeGapsAreClosedIsReadAfterwards() throws {
    let store = try Store.open(
      disk: MemoryDisk(), options: StoreOptions(isMaintainedAutomatically: false), time: SystemTime(),
      random: SeededSource(seed: 1))
    let names = (0..<9000).map { key("k\($0)") }
    for start in stride(from: 0, to: names.count, by: 1000) {
      try store.commit(names[start..<start + 1000].map { .put(key: $0, value: $0, version: nil, tag: 1) })
    }
    let kept = names.enumerated().filter { $0.offset % 9 == 0 }.map(\.element)
    try store.waitBlocking(
      try store.commit(names.enumerated().filter { $0.offset % 9 != 0 }.map { .erase(key: $0.element) }))
    store.giveBackMemory()
    for isClosed in [false, true] {
      for name in kept { #expect(try store.get(name)?.value == name) }
      if !isClosed { #expect(store.closeGaps()) }
    }
    store.closeBlocking()
  }

  private final class Told: Sendable {
    let count = Atomic(0)
  }

  @Test func nothingOfACheckpointThatFailedStays() throws {
    let disk = MemoryDisk()
    let store = try openStore(disk)
    try store.put("a", "1")
    disk.fail(.sync, errno: ENOSPC)
    #expect(throws: SoftadastraError.self) { try store.checkpoint() }
    #expect(try !disk.list().contains { $0.hasPrefix("checkpoint") })
    // Nor of a process that was killed meanwhile.
    disk.replace("checkpoint.tmp", [1, 2, 3])
    store.closeBlocking()
    _ = try openStore(disk, seed: 2)
    #expect(try !disk.list().contains("checkpoint.tmp"))
  }

  @Test func whatACheckpointStoodForIsVerifiedUpToWhereTheLogWasRead() throws {
    let disk = MemoryDisk()
    var store = try openStore(disk, segment: 1 << 20)
    for number in 0..<50 { try store.put("key \(number)", "value") }
    try store.checkpoint()
    try store.put("behind", "it")
    store.closeBlocking()
    let name = "0000000000000001.wal"
    let sound = try #require(disk.bytes(name))
    store = try openStore(disk, segment: 1 << 20, seed: 2)
    #expect(try store.verifyUnread().isEmpty)
    store.closeBlocking()
    var bytes = sound
    bytes[600] ^= 1
    disk.replace(name, bytes)
    store = try openStore(disk, segment: 1 << 20, seed: 3)
    #expect(store.log.damage.isEmpty)
    #expect(try store.verifyUnread().count == 1)
    store.closeBlocking()
    #expect(try !openStore(disk, segment: 1 << 20, seed: 4).log.damage.isEmpty)
  }

  /// Between the counter's record and the segment that a compaction works on.
  @Test func noDotIsUsedTwiceAfterACompaction() throws {
    let memory = MemoryDisk()
    let disk = ObservedDisk(memory)
    let store = try openStore(disk, segment: 1 << 16)
    for number in 0..<5 { try store.put("a\(number)", "1") }
    let drawn = Mutex<(counter: UInt64, isErased: Bool)>((0, false))
    disk.observe { [unowned store] operation in
      let (counter, isErased) = drawn.withLock { $0 }
      if operation == .sync, counter == 0 {
        let version = store.newVersion(basedOn: VersionVector(), author: author)
        drawn.withLock { $0.counter = version.dot.counter }
        _ = try? store.commit([.put(key: key("x"), value: [1], version: version)])
      } else if operation == .rename, counter > 0, !isErased {
        drawn.withLock { $0.isErased = true }
        _ = try? store.commit([.erase(key: key("x"))])
      }
    }
    try store.compact()
    disk.observe(nil)
    let (counter, isErased) = drawn.withLock { $0 }
    #expect(counter > 5 && isErased)
    store.closeBlocking()
    try? memory.remove("checkpoint")
    #expect(try openStore(memory, segment: 1 << 16, seed: 2).counter >= counter)
  }
}
