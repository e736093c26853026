import SoftadastraCore
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@Suite struct ForgottenDeletionTests {
  private static let forever: UInt64 = 1 << 60

  /// The second node alone meets the others, one at a time.
  private func carry(_ group: ValueGroup, rounds: Int = 6) async {
    for _ in 0..<rounds {
      for end in [0, 2] {
        await group.connect(1, end)
        await group.settle()
        group.cutAll()
      }
    }
  }

  @Test func tombstonesGoWhenAllKnowThemAlsoThroughOthers() async throws {
    let group = ValueGroup(3, seed: 1, patienceMilliseconds: Self.forever)
    for number in 0..<50 { try group.put(0, "key\(number)", "value") }
    await carry(group)
    for number in 0..<40 { try group.remove(number % 2 == 0 ? 0 : 2, "key\(number)") }
    // Nobody may forget before the others know.
    await group.connect(0, 1)
    await group.settle()
    group.cutAll()
    #expect(group.tombstones(0) == 20 && group.tombstones(1) == 20)
    await carry(group)
    for node in 0..<3 {
      #expect(group.values(node).count == 10)
      #expect(group.tombstones(node) == 0, "node \(node)")
    }
    // Nothing is said any more: not even that nothing is left.
    let counters = group.nodes.map(\.store.counter)
    await carry(group, rounds: 2)
    #expect(group.nodes.map(\.store.counter) == counters)
  }

  @Test func aMemberThatIsAwayIsWaitedFor() async throws {
    let group = ValueGroup(3, seed: 2, patienceMilliseconds: 3_600_000)
    try group.put(0, "key", "value")
    await carry(group)
    try group.remove(0, "key")
    await group.connect(0, 1)
    await group.settle()
    #expect(group.tombstones(0) == 1 && group.tombstones(1) == 1)
    // An hour of it.
    group.time.advance(milliseconds: 3_600_000)
    await group.settle()
    #expect(group.tombstones(0) == 0 && group.tombstones(1) == 0)
  }

  @Test(arguments: [0, 1])
  func whoReturnsLaterDeletesWhatWasDeletedAndKeepsWhatItEdited(metFirst: Int) async throws {
    let group = ValueGroup(3, seed: 3, patienceMilliseconds: 0)
    for key in ["untouched", "edited", "kept", "recreated"] { try group.put(0, key, "old \(key)") }
    await carry(group)
    for key in ["untouched", "edited", "recreated"] { try group.remove(0, key) }
    try group.put(2, "edited", "by the one away")
    try group.put(2, "new", "of the one away")
    await group.connect(0, 1)
    await group.settle()
    #expect(group.tombstones(0) == 0 && group.tombstones(1) == 0)
    try group.put(1, "recreated", "again")
    await group.settle()
    await group.connect(metFirst, 2)
    await group.settle()
    let expected = [
      "edited": "by the one away", "kept": "old kept", "new": "of the one away", "recreated": "again",
    ]
    for node in 0..<3 { #expect(group.values(node) == expected, "node \(node)") }
    // Said, and still to be had.
    #expect(group.nodes[2].deletedWhileAway == 2)
    #expect(group.restorable(2).isSuperset(of: ["old untouched", "old recreated"]))
    for node in 0..<3 { #expect(group.tombstones(node) == 0) }
  }

  /// Two return, one after the other; the second meets only the first.
  @Test func theOneThatReturnedPassesItOn() async throws {
    let group = ValueGroup(4, seed: 4, patienceMilliseconds: 0)
    try group.put(0, "key", "value")
    try group.put(0, "other", "value")
    for (a, b) in [(0, 1), (1, 2), (2, 3)] { await group.connect(a, b) }
    await group.settle()
    group.cutAll()
    try group.remove(0, "key")
    await group.connect(0, 1)
    await group.settle()
    #expect(group.tombstones(0) == 0)
    await group.connect(1, 2)
    await group.settle()
    group.cutAll()
    await group.connect(2, 3)
    await group.settle()
    for node in 0..<4 { #expect(group.values(node) == ["other": "value"], "node \(node)") }
  }

  /// A newcomer has nothing that could be forgotten: it is asked, and lists nothing.
  @Test func aNewcomerGetsWhatIsThere() async throws {
    let group = ValueGroup(3, seed: 5, patienceMilliseconds: 0)
    for number in 0..<5 { try group.put(0, "key\(number)", "value") }
    await group.connect(0, 1)
    await group.settle()
    try group.remove(1, "key0")
    await group.settle()
    try group.put(2, "own", "of the newcomer")
    await group.connect(1, 2)
    await group.settle()
    for node in 0..<3 { #expect(group.values(node).count == 5 && group.value(node, "own") != nil) }
    #expect(group.nodes[2].deletedWhileAway == 0)
  }

  /// While one that returns (or is new) is asked, another one gives it what was deleted; and the one that knows of it goes before
  /// it has told everybody.
  @Test(arguments: 1...100)
  func whatOthersSendMeanwhileIsAskedForToo(seed: Int) async throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let group = ValueGroup(3, seed: UInt64(seed), patienceMilliseconds: 0)
    for number in 0..<4 { try group.put(1, "early\(number)", "value") }
    await carry(group)
    for number in 0..<8 { try group.put(0, "key\(number)", "value") }
    await group.connect(0, 2)
    await group.settle()
    group.cutAll()
    // Nobody else hears of these.
    for number in 0..<4 { try group.remove(2, "key\(number)") }
    try group.remove(2, "early0")
    for _ in 0..<6 { group.tick() }
    #expect(group.tombstones(2) == 0)
    for link in [(0, 1), (1, 2), (0, 2)].shuffled(using: &random) { await group.connect(link.0, link.1) }
    for _ in 0..<Int.random(in: 5..<60, using: &random) {
      _ = await group.deliverOne { Int.random(in: 0..<$0, using: &random) }
    }
    if Bool.random(using: &random) { group.cut(0, 2) }
    if Bool.random(using: &random) { await group.settle() }
    for link in [(0, 1), (1, 2), (0, 2)].shuffled(using: &random) { await group.connect(link.0, link.1) }
    await group.settle()
    let expected = Set((4..<8).map { "key\($0)" } + (1..<4).map { "early\($0)" })
    for node in 0..<3 { #expect(Set(group.values(node).keys) == expected, "node \(node)") }
  }

  /// People put and remove, connections come and go, deletions are forgotten sooner or later: in the end all is the
  /// same, what somebody replaced or removed is not back, and what nobody did is somewhere.
  @Test(arguments: 1...150)
  func nothingComesBackAndNothingIsLost(seed: Int) async throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let count = Int.random(in: 2...4, using: &random)
    let patience = [0, 20_000, 200_000, Self.forever][seed % 4]
    let group = ValueGroup(count, seed: UInt64(seed), patienceMilliseconds: patience)
    let isChain = Bool.random(using: &random)
    var edges: [(Int, Int)] = []
    for a in 0..<count { for b in (a + 1)..<max(count, a + 1) where !isChain || b == a + 1 { edges.append((a, b)) } }
    var written: Set<String> = []
    var replaced: Set<String> = []
    for step in 0..<250 {
      let node = Int.random(in: 0..<count, using: &random)
      let key = "key\(Int.random(in: 0..<8, using: &random))"
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1:
        if let old = group.value(node, key) { replaced.insert(old) }
        try group.put(node, key, "\(step)")
        written.insert("\(step)")
      case 2, 3:
        if let old = group.value(node, key) { replaced.insert(old) }
        try group.remove(node, key)
      case 4:
        let (a, b) = edges[Int.random(in: 0..<edges.count, using: &random)]
        await group.connect(a, b)
      case 5:
        let (a, b) = edges[Int.random(in: 0..<edges.count, using: &random)]
        group.cut(a, b)
      case 6, 7: group.tick()
      default:
        for _ in 0..<Int.random(in: 0..<8, using: &random) {
          _ = await group.deliverOne { Int.random(in: 0..<$0, using: &random) }
        }
      }
    }
    for (a, b) in edges { await group.connect(a, b) }
    // What nobody near asks for is told every hour.
    for _ in 0..<3 {
      await group.settle()
      group.time.advance(milliseconds: 3_600_000)
    }
    await group.settle()
    let values = group.values(0)
    for node in 1..<count { #expect(group.values(node) == values, "node \(node)") }
    let live = Set(values.values)
    // Of somebody who was away for longer than deletions are remembered: what it kept against one deletion meets nothing
    // that tells of another one any more.
    let back = live.intersection(replaced).subtracting(patience == Self.forever ? [] : group.carriedOn(0))
    #expect(back.isEmpty, "came back: \(back)")
    let kept = live.union((0..<count).flatMap { group.restorable($0) })
    #expect(
      kept.isSuperset(of: written.subtracting(replaced)), "lost: \(written.subtracting(replaced).subtracting(kept))")
    for node in 0..<count { #expect(group.tombstones(node) == 0, "node \(node) remembers deletions") }
  }
}
