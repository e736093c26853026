import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraStore

/// The store beside a dictionary.
@Suite struct StoreModelTests {
  private struct Expected {
    var value: [UInt8]
    var isDeleted: Bool
    var tag: UInt64
    var flags: UInt8
  }

  /// The first byte counts; what is empty does not.
  private let rule = SumRule(number: 1, namespace: UInt8(ascii: "k"), prefixCount: 3, markingFlags: 2) {
    $0.first.map(UInt64.init)
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>) func agreesWithADictionary(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var disk = MemoryDisk()
    var store = try openStore(disk, seed: seed, sums: rule)
    var model: [[UInt8]: Expected] = [:]
    for step in 0..<1500 {
      var batch: [Mutation] = []
      var ticket: CommitTicket?
      for _ in 0...random.below(4) {
        let name = key("k\(random.below(3))/\(random.below(200))")
        let value = payload(random.below(1000), random.below(60))
        let tag = random.next()
        let flags = UInt8(random.below(4))
        switch random.below(10) {
        case 0..<5:
          let version = store.newVersion(basedOn: VersionVector(), author: author)
          batch.append(.put(key: name, value: value, version: version, tag: tag, flags: flags))
          model[name] = Expected(value: value, isDeleted: false, tag: tag, flags: flags)
        case 5..<7:
          batch.append(.delete(key: name, value: value, version: nil, tag: tag, flags: flags))
          model[name] = Expected(value: value, isDeleted: true, tag: tag, flags: flags)
        case 7..<9:
          batch.append(.erase(key: name))
          model[name] = nil
        default:
          batch.append(.retag(key: name, tag: tag))
          model[name]?.tag = tag
        }
      }
      ticket = try store.commit(batch)
      switch random.below(120) {
      case 0: try store.compact()
      case 1: try store.checkpoint()
      case 2:
        store.closeBlocking()
        store = try openStore(disk, seed: seed &+ UInt64(step), sums: rule)
      case 3:
        try store.waitBlocking(#require(ticket))
        disk = disk.crash(seed: seed &+ UInt64(step))
        store = try openStore(disk, seed: seed &+ UInt64(step), sums: rule)
        #expect(store.log.damage.isEmpty)
      default: break
      }
      if step % 50 == 0 { try compare(store, model) }
    }
    try store.compact()
    try compare(store, model)
    store.closeBlocking()
    store = try openStore(disk, sums: rule)
    try compare(store, model)
    // One with another rule, or none, does not help, and neither does what that leaves.
    store.closeBlocking()
    store = try openStore(
      disk, sums: SumRule(number: 2, namespace: UInt8(ascii: "k"), prefixCount: 3, markingFlags: 0) { _ in 1 })
    let counted = try #require(store.sum(prefix: key("k1/")))
    #expect(counted.amount == UInt64(counted.count))
    try store.compact()
    store.closeBlocking()
    store = try openStore(disk)
    #expect(store.sum(prefix: key("k1/")) == nil)
    try store.compact()
    store.closeBlocking()
    store = try openStore(disk, sums: rule)
    try compare(store, model)
    // And without the checkpoint.
    store.closeBlocking()
    try? disk.remove("checkpoint")
    store = try openStore(disk, sums: rule)
    try compare(store, model)
    store.closeBlocking()
  }

  private func payload(_ seed: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: seed &* 31 &+ $0) }
  }

  private func compare(
    _ store: Store, _ model: [[UInt8]: Expected]
  ) throws {
    let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(store.list(prefix: [], limit: .max, includeDeleted: true).map(\.key) == sorted)
    let live = sorted.filter { $0.starts(with: key("k1/")) && model[$0]?.isDeleted == false }
    #expect(store.list(prefix: key("k1/"), limit: .max).map(\.key) == live)
    if live.count > 3 {
      #expect(store.list(prefix: key("k1/"), after: live[1], limit: 2).map(\.key) == Array(live[2..<4]))
    }
    for (name, expected) in model {
      let entry = try #require(try store.get(name))
      #expect(entry.value == expected.value && entry.isDeleted == expected.isDeleted && entry.tag == expected.tag)
    }
    for prefix in ["k0/", "k1/", "k2/", "k3/"].map(key) {
      let live = model.filter { $0.key.starts(with: prefix) && !$0.value.isDeleted }.map(\.value)
      let amounts = live.compactMap { $0.value.first.map(UInt64.init) }
      let sum = try #require(store.sum(prefix: prefix))
      #expect(sum.count == amounts.count && sum.amount == amounts.reduce(0, +))
      #expect(sum.marked == live.count { $0.flags & 2 != 0 })
    }
    let feed = store.changes(prefix: [], since: 0, limit: .max, upTo: .max).entries
    #expect(feed.count == model.count)
    #expect(zip(feed, feed.dropFirst()).allSatisfy { $0.summary.sequence < $1.summary.sequence })
  }
}
