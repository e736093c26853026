internal import Glibc
internal import SoftadastraCore

/// Every entry but its value: found by key, walked in key order, walked in sequence order.
///
/// Slots are numbered and do not move. A hash table of slot numbers finds one by key; leaves of slot numbers, sorted
/// by key, give the order; the feed lists slot numbers by sequence. About 93 bytes an entry beside its key.
/// The caller serialises all calls.
final class EntryIndex: @unchecked Sendable {
  private var slots = SlotStorage()
  private let arena = KeyArena()
  private var table = KeyTable()
  private var feed = SequenceFeed()
  private(set) var count = 0
  private(set) var deletedCount = 0

  /// Slot numbers in the order of their keys: see `EntryIndex+Order.swift`.
  var leaves: [[UInt32]] = []
  var recentLeaf = 0
  /// While entries are loaded by the million, their order waits until all are there.
  private(set) var isOrderPending = false

  private static let gapsWorthTheirRemoval = 1024

  /// What all of this occupies.
  var allocatedBytes: Int {
    slots.allocatedBytes + arena.allocatedBytes + table.allocatedBytes + feed.allocatedBytes
      + leaves.reduce(0) { $0 + 40 + $1.capacity * 4 }
  }

  @inline(__always)
  func slot(_ number: UInt32) -> UnsafeMutablePointer<Slot> { slots[number] }

  @inline(__always)
  func keyBytes(_ number: UInt32) -> UnsafeRawBufferPointer {
    let slot = slots[number]
    return UnsafeRawBufferPointer(start: arena.pointer(slot.pointee.key), count: slot.pointee.keyCount)
  }

  func equal(_ number: UInt32, _ key: UnsafeRawBufferPointer) -> Bool {
    let slot = slots[number]
    return slot.pointee.keyCount == key.count
      && memcmp(arena.pointer(slot.pointee.key), key.baseAddress!, key.count) == 0
  }

  // MARK: By key

  static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 { Checksum.xxh3(key) }

  func find(_ key: UnsafeRawBufferPointer) -> UInt32? { find(key, hash: Self.hash(key)) }

  func find(_ key: UnsafeRawBufferPointer, hash: UInt64) -> UInt32? { table.find(hash) { equal($0, key) } }

  /// For callers that know the keys of some slots without a look at them.
  @inline(__always)
  func find(_ hash: UInt64, _ isKey: (UInt32) -> Bool) -> UInt32? { table.find(hash, isKey) }

  func find(_ key: [UInt8]) -> UInt32? { key.withUnsafeBytes { find($0) } }

  /// Sets an entry and puts it at the end of the feed. `fields` needs no key.
  func put(_ key: UnsafeRawBufferPointer, _ fields: Slot) -> UInt32 {
    let hash = Self.hash(key)
    return put(key, hash: hash, over: find(key, hash: hash), fields)
  }

  /// The same for a key that was looked up already: `found` is what `find` said.
  func put(_ key: UnsafeRawBufferPointer, hash: UInt64, over found: UInt32?, _ fields: Slot) -> UInt32 {
    var fields = fields
    fields.keyCountLessOne = UInt16(key.count - 1)
    let number: UInt32
    if let found {
      number = found
      let old = slots[number]
      fields.key = old.pointee.key
      if old.pointee.isDeleted { deletedCount -= 1 }
      old.pointee = fields
    } else {
      fields.key = arena.insert(key)
      number = slots.add(fields)
      table.insert(number, hash)
      if !isOrderPending { insertIntoOrder(number, key) }
      count += 1
    }
    if fields.isDeleted { deletedCount += 1 }
    if feed.count > count + count / 2 + 1024 { tidyFeed() }
    feed.append(fields.sequence, number)
    return number
  }

  func remove(_ number: UInt32) {
    let slot = slots[number]
    let key = keyBytes(number)
    if !isOrderPending { removeFromOrder(number, key) }
    table.remove(number, Self.hash(key))
    if slot.pointee.isDeleted { deletedCount -= 1 }
    count -= 1
    arena.remove(slot.pointee.key, count: slot.pointee.keyCount)
    slots.remove(number)
  }

  // MARK: Loading

  /// Begins to load about so many entries: until `finishLoading`, nothing is walked in key order.
  func beginLoading(about expected: Int) {
    isOrderPending = true
    table.reserve(expected)
    feed.reserve(expected)
  }

  /// Orders the keys at once, which is ten times cheaper than one by one.
  func finishLoading() {
    guard isOrderPending else { return }
    isOrderPending = false
    // A slot of no entry has sequence 0.
    buildOrder((0..<UInt32(slots.count)).filter { slots[$0].pointee.sequence > 0 })
  }

  // MARK: In sequence order

  /// Drops items whose entry has moved on.
  private func tidyFeed() { feed.tidy { slots[$1].pointee.sequence == $0 } }

  func giveBackMemory() {
    tidyFeed()
    feed.giveBackMemory()
    slots.giveBackMemory()
  }

  /// The same entries under new numbers, if there are many slots without one, as after a burst of entries that came and
  /// went. Cost: that of loading the entries anew, and the memory of both until the old one goes.
  func withoutGaps() -> EntryIndex? {
    guard slots.count > count + count / 8 + Self.gapsWorthTheirRemoval else { return nil }
    let fresh = EntryIndex()
    fresh.beginLoading(about: count)
    walkFeed(since: 0) { _, number in
      _ = fresh.put(keyBytes(number), slots[number].pointee)
      return true
    }
    fresh.finishLoading()
    return fresh
  }

  /// After loading entries in key order.
  func sortFeed() { feed.sort() }

  /// The entry whose newest change has this sequence.
  func find(sequence: UInt64) -> UInt32? {
    var found: UInt32?
    walkFeed(since: sequence - 1) { at, number in
      if at == sequence { found = number }
      return false
    }
    return found
  }

  /// Walks the newest items of all keys with a sequence above `since`, until the closure returns false.
  func walkFeed(since: UInt64, _ body: (UInt64, UInt32) -> Bool) {
    feed.walk(since: since) { sequence, number in
      slots[number].pointee.sequence != sequence || body(sequence, number)
    }
  }
}
