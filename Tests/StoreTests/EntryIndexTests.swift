import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraStore

/// The index beside the standard library's dictionary and sort.
@Suite struct EntryIndexTests {
  /// Keys of few letters, zeros among them, many with long beginnings in common and some the beginning of others.
  private func keys(_ count: Int, _ random: SeededSource) -> [[UInt8]] {
    let beginnings: [[UInt8]] = [[], [0], Array("file/aaaaaaaaaaaaaaaaaaaaaaaa/".utf8), Array("file/aaaaaaaaaa".utf8)]
    var found: Set<[UInt8]> = []
    while found.count < count {
      let length = Int(random.next() % 24) + 1
      let end = (0..<length).map { _ in [UInt8(0), 0x61, 0x62, 0xFF][Int(random.next() % 4)] }
      found.insert(beginnings[Int(random.next() % 4)] + end)
    }
    return found.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private func slot(_ sequence: UInt64) -> Slot {
    Slot(
      sequence: sequence, counter: 0, stamp: 0, tag: 0, key: 0, offset: 0, length: 0, valueCount: 0, keyCountLessOne: 0,
      replica: 0, flags: 0, state: 0)
  }

  private func walked(_ index: EntryIndex, from start: [UInt8] = []) -> [[UInt8]] {
    var found: [[UInt8]] = []
    start.withUnsafeBytes { start in
      index.walk(from: start) { number in
        found.append(Array(index.keyBytes(number)))
        return true
      }
    }
    return found
  }

  @Test(arguments: 1...6, [false, true])
  func isWhatWasPutAndRemoved(seed: Int, isLoading: Bool) {
    let random = SeededSource(seed: UInt64(seed))
    let index = EntryIndex()
    var model: [[UInt8]: UInt64] = [:]
    var sequence: UInt64 = 0
    let all = keys(3000, random)
    if isLoading { index.beginLoading(about: seed * 500) }
    for round in 0..<6000 {
      let key = all[Int(random.next() % UInt64(all.count))]
      if random.next() % 4 == 0, let number = index.find(key) {
        index.remove(number)
        model[key] = nil
      } else {
        sequence += 1
        _ = key.withUnsafeBytes { index.put($0, slot(sequence)) }
        model[key] = sequence
      }
      if round == 4000 { index.finishLoading() }
    }
    let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(index.count == model.count)
    #expect(walked(index) == sorted)
    for key in all { #expect(index.find(key).map { index.slot($0).pointee.sequence } == model[key]) }
    let middle = all[0]
    #expect(walked(index, from: middle) == sorted.filter { !$0.lexicographicallyPrecedes(middle) })
    var feed: [UInt64] = []
    index.walkFeed(since: sequence / 2) { at, _ in
      feed.append(at)
      return true
    }
    #expect(feed == model.values.filter { $0 > sequence / 2 }.sorted())
  }

  @Test func withoutItsGapsItIsSmallerAndTheSame() throws {
    let random = SeededSource(seed: 7)
    let index = EntryIndex()
    let all = keys(20_000, random)
    for (at, key) in all.enumerated() { _ = key.withUnsafeBytes { index.put($0, slot(UInt64(at + 1))) } }
    #expect(index.withoutGaps() == nil)
    for (at, key) in all.enumerated() where at % 4 != 0 { index.remove(try #require(index.find(key))) }
    let kept = all.enumerated().filter { $0.offset % 4 == 0 }
    let fresh = try #require(index.withoutGaps())
    #expect(fresh.count == kept.count)
    #expect(fresh.allocatedBytes * 3 < index.allocatedBytes * 2)
    #expect(walked(fresh) == kept.map(\.element))
    for (at, key) in all.enumerated() {
      #expect(fresh.find(key).map { fresh.slot($0).pointee.sequence } == (at % 4 == 0 ? UInt64(at + 1) : nil))
    }
    var feed: [UInt64] = []
    fresh.walkFeed(since: 100) { at, _ in
      feed.append(at)
      return true
    }
    #expect(feed == kept.map { UInt64($0.offset + 1) }.filter { $0 > 100 })
    #expect(fresh.withoutGaps() == nil)
  }

  @Test(arguments: 1...4) func numbersAreFoundAgain(seed: Int) {
    let random = SeededSource(seed: UInt64(seed))
    var map = NumberMap()
    var model: [UInt32: UInt32] = [:]
    for _ in 0..<20_000 {
      let key = UInt32(random.next() % 700)
      let value = UInt32(truncatingIfNeeded: random.next())
      if random.next() % 3 == 0 {
        map[key] = nil
        model[key] = nil
      } else {
        map[key] = value
        model[key] = value
      }
    }
    for key in UInt32(0)..<700 { #expect(map[key] == model[key]) }
  }

  @Test func aCacheKeepsTheNewestWithinItsBudget() {
    let random = SeededSource(seed: 3)
    var cache = ValueCache(budget: 100_000)
    var newest: [UInt32: UInt64] = [:]
    func kept(_ slot: UInt32) -> UInt64? {
      cache.with(slot) { sequence, payload in
        let isWhole = payload.count == Int(sequence % 300) + 1
        return isWhole && payload.allSatisfy { $0 == UInt8(truncatingIfNeeded: sequence) } ? sequence : 0
      }
    }
    for sequence in UInt64(1)...30_000 {
      let slot = UInt32(random.next() % 5000)
      if random.next() % 5 == 0 {
        cache.remove(slot)
        newest[slot] = nil
        #expect(kept(slot) == nil)
      } else {
        let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: Int(sequence % 300) + 1)
        cache.insert(slot, sequence: sequence, payload)
        newest[slot] = sequence
        #expect(kept(slot) == sequence)
      }
    }
    var count = 0
    for slot in UInt32(0)..<5000 {
      guard let found = kept(slot) else { continue }
      #expect(found == newest[slot])
      count += 1
    }
    #expect(count > 300 && count < 1000)
    cache.insert(7, sequence: 8, [UInt8](repeating: 1, count: ValueCache.maxPayloadBytes + 1))
    #expect(kept(7) == nil)
    cache.removeAll()
    #expect(newest.keys.allSatisfy { kept($0) == nil })
  }
}
