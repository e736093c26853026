internal import Glibc
internal import SoftadastraCore

/// Every entry but its value: found by key, walked in key order, walked in sequence order.
///
/// Slots are numbered and do not move. A hash table of slot numbers finds one by key; leaves of slot numbers, sorted
/// by key, give the order; the feed lists slot numbers by sequence. About 75 bytes an entry beside its key.
/// The caller serialises all calls.
final class EntryIndex: @unchecked Sendable {
  private static let blockSlots = 1 << 12
  static let leafSlots = 512

  private var blocks: [UnsafeMutablePointer<Slot>] = []
  private var slotCount = 0
  private var freeSlots: [UInt32] = []
  let arena = KeyArena()

  /// Slot numbers plus one; 0 is free. Open addressing, at most four fifths full.
  private var table: UnsafeMutablePointer<UInt32>
  private var tableMask: Int
  private(set) var count = 0
  private(set) var deletedCount = 0

  private var leaves: [[UInt32]] = []
  private var recentLeaf = 0

  private var feedSequences: [UInt64] = []
  private var feedSlots: [UInt32] = []

  init() {
    tableMask = 1023
    table = .allocate(capacity: 1024)
    table.initialize(repeating: 0, count: 1024)
  }

  deinit {
    table.deallocate()
    for block in blocks { block.deallocate() }
  }

  /// What all of this occupies.
  var allocatedBytes: Int {
    blocks.count * Self.blockSlots * MemoryLayout<Slot>.stride + arena.allocatedBytes + (tableMask + 1) * 4
      + leaves.reduce(0) { $0 + 40 + $1.capacity * 4 } + feedSequences.capacity * 8 + feedSlots.capacity * 4
      + freeSlots.capacity * 4
  }

  func slot(_ number: UInt32) -> UnsafeMutablePointer<Slot> {
    blocks[Int(number) / Self.blockSlots] + Int(number) % Self.blockSlots
  }

  func keyBytes(_ number: UInt32) -> UnsafeRawBufferPointer {
    let slot = slot(number)
    return UnsafeRawBufferPointer(start: arena.pointer(slot.pointee.key), count: slot.pointee.keyCount)
  }

  // MARK: By key

  func find(_ key: UnsafeRawBufferPointer) -> UInt32? {
    var at = Int(truncatingIfNeeded: Checksum.xxh3(key)) & tableMask
    while table[at] != 0 {
      if equal(table[at] - 1, key) { return table[at] - 1 }
      at = (at + 1) & tableMask
    }
    return nil
  }

  func find(_ key: [UInt8]) -> UInt32? { key.withUnsafeBytes { find($0) } }

  /// Sets an entry and puts it at the end of the feed. `fields` needs no key.
  func put(_ key: UnsafeRawBufferPointer, _ fields: Slot) -> UInt32 {
    var fields = fields
    fields.keyCountLessOne = UInt16(key.count - 1)
    let number: UInt32
    if let found = find(key) {
      number = found
      let old = slot(number)
      fields.key = old.pointee.key
      if old.pointee.isDeleted { deletedCount -= 1 }
      old.pointee = fields
    } else {
      fields.key = arena.insert(key)
      number = newSlot(fields)
      insertIntoTable(number, key)
      insertIntoOrder(number, key)
      count += 1
    }
    if fields.isDeleted { deletedCount += 1 }
    appendToFeed(fields.sequence, number)
    return number
  }

  func remove(_ number: UInt32) {
    let slot = slot(number)
    removeFromTable(number)
    removeFromOrder(number)
    if slot.pointee.isDeleted { deletedCount -= 1 }
    count -= 1
    arena.remove(slot.pointee.key, count: slot.pointee.keyCount)
    // A feed item that still names the slot no longer matches its sequence.
    slot.pointee.sequence = 0
    freeSlots.append(number)
  }

  private func newSlot(_ fields: Slot) -> UInt32 {
    if let number = freeSlots.popLast() {
      slot(number).pointee = fields
      return number
    }
    if slotCount == blocks.count * Self.blockSlots { blocks.append(.allocate(capacity: Self.blockSlots)) }
    let number = UInt32(slotCount)
    slotCount += 1
    slot(number).initialize(to: fields)
    return number
  }

  private func equal(_ number: UInt32, _ key: UnsafeRawBufferPointer) -> Bool {
    let bytes = keyBytes(number)
    return bytes.count == key.count && memcmp(bytes.baseAddress!, key.baseAddress!, key.count) == 0
  }

  private func insertIntoTable(_ number: UInt32, _ key: UnsafeRawBufferPointer) {
    if (count + 1) * 5 > (tableMask + 1) * 4 { grow() }
    place(number, key)
  }

  private func place(_ number: UInt32, _ key: UnsafeRawBufferPointer) {
    var at = Int(truncatingIfNeeded: Checksum.xxh3(key)) & tableMask
    while table[at] != 0 { at = (at + 1) & tableMask }
    table[at] = number + 1
  }

  private func grow() {
    let old = table
    let oldCount = tableMask + 1
    tableMask = oldCount * 2 - 1
    table = .allocate(capacity: oldCount * 2)
    table.initialize(repeating: 0, count: oldCount * 2)
    for at in 0..<oldCount where old[at] != 0 { place(old[at] - 1, keyBytes(old[at] - 1)) }
    old.deallocate()
  }

  private func removeFromTable(_ number: UInt32) {
    var hole = Int(truncatingIfNeeded: Checksum.xxh3(keyBytes(number))) & tableMask
    while table[hole] != number + 1 { hole = (hole + 1) & tableMask }
    // Close the gap: move back whoever could not be found across it.
    var at = hole
    while true {
      at = (at + 1) & tableMask
      guard table[at] != 0 else { break }
      let home = Int(truncatingIfNeeded: Checksum.xxh3(keyBytes(table[at] - 1))) & tableMask
      if (at - home) & tableMask >= (at - hole) & tableMask {
        table[hole] = table[at]
        hole = at
      }
    }
    table[hole] = 0
  }

  // MARK: In key order

  private func isLess(_ number: UInt32, _ key: UnsafeRawBufferPointer) -> Bool {
    let bytes = keyBytes(number)
    let order = memcmp(bytes.baseAddress!, key.baseAddress!, min(bytes.count, key.count))
    return order != 0 ? order < 0 : bytes.count < key.count
  }

  /// The leaf in which the key lies or would lie.
  private func leaf(for key: UnsafeRawBufferPointer) -> Int {
    // Neighbours come together, at a scan as at a replay.
    if recentLeaf < leaves.count, isLess(leaves[recentLeaf][0], key),
      recentLeaf + 1 == leaves.count
        || (!isLess(leaves[recentLeaf + 1][0], key) && !equal(leaves[recentLeaf + 1][0], key))
    {
      return recentLeaf
    }
    var low = 0
    var high = leaves.count
    while low < high {
      let middle = (low + high) / 2
      if isLess(leaves[middle][0], key) { low = middle + 1 } else { high = middle }
    }
    // Leaf `low` starts at or behind the key; an equal start belongs to it.
    if low < leaves.count, equal(leaves[low][0], key) { return low }
    return max(0, low - 1)
  }

  /// The first place in the leaf that is not less than the key.
  private func place(of key: UnsafeRawBufferPointer, in leaf: Int) -> Int {
    var low = 0
    var high = leaves[leaf].count
    while low < high {
      let middle = (low + high) / 2
      if isLess(leaves[leaf][middle], key) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func insertIntoOrder(_ number: UInt32, _ key: UnsafeRawBufferPointer) {
    if leaves.isEmpty {
      leaves.append([number])
      return
    }
    var leaf = leaf(for: key)
    var at = place(of: key, in: leaf)
    if leaves[leaf].count == Self.leafSlots {
      // Ascending keys fill their leaves; others split them.
      let cut = at == Self.leafSlots ? Self.leafSlots : Self.leafSlots / 2
      var right: [UInt32] = []
      right.reserveCapacity(Self.leafSlots)
      right.append(contentsOf: leaves[leaf][cut...])
      if at >= cut, at > 0 {
        leaves[leaf].removeSubrange(cut...)
        if cut == Self.leafSlots { right.append(number) }
        leaves.insert(right, at: leaf + 1)
        leaf += 1
        recentLeaf = leaf
        if cut == Self.leafSlots { return }
        at -= cut
      } else {
        leaves[leaf].removeSubrange(cut...)
        leaves.insert(right, at: leaf + 1)
      }
    }
    leaves[leaf].insert(number, at: at)
    recentLeaf = leaf
  }

  private func removeFromOrder(_ number: UInt32) {
    let key = keyBytes(number)
    let leaf = leaf(for: key)
    let at = place(of: key, in: leaf)
    leaves[leaf].remove(at: at)
    if leaves[leaf].isEmpty {
      leaves.remove(at: leaf)
      recentLeaf = 0
    }
  }

  /// Walks the keys from the first one at or behind `start`, until the closure returns false.
  func walk(from start: UnsafeRawBufferPointer, _ body: (UInt32) -> Bool) {
    guard !leaves.isEmpty else { return }
    var leaf = start.isEmpty ? 0 : leaf(for: start)
    var at = start.isEmpty ? 0 : place(of: start, in: leaf)
    while leaf < leaves.count {
      while at < leaves[leaf].count {
        if !body(leaves[leaf][at]) { return }
        at += 1
      }
      leaf += 1
      at = 0
    }
  }

  // MARK: In sequence order

  private func appendToFeed(_ sequence: UInt64, _ number: UInt32) {
    if feedSequences.count > 2 * count + 1024 { tidyFeed() }
    if feedSequences.count == feedSequences.capacity {
      let wanted = feedSequences.count + feedSequences.count / 4 + 64
      feedSequences.reserveCapacity(wanted)
      feedSlots.reserveCapacity(wanted)
    }
    feedSequences.append(sequence)
    feedSlots.append(number)
  }

  /// Drops items whose entry has moved on.
  private func tidyFeed() {
    var kept = 0
    for at in 0..<feedSequences.count where slot(feedSlots[at]).pointee.sequence == feedSequences[at] {
      feedSequences[kept] = feedSequences[at]
      feedSlots[kept] = feedSlots[at]
      kept += 1
    }
    feedSequences.removeLast(feedSequences.count - kept)
    feedSlots.removeLast(feedSlots.count - kept)
  }

  func giveBackMemory() {
    tidyFeed()
    feedSequences = Array(feedSequences[...])
    feedSlots = Array(feedSlots[...])
    freeSlots = Array(freeSlots[...])
  }

  /// After loading entries in key order.
  func sortFeed() {
    var items = zip(feedSequences, feedSlots).map { (sequence: $0, slot: $1) }
    items.sort { $0.sequence < $1.sequence }
    for (at, item) in items.enumerated() {
      feedSequences[at] = item.sequence
      feedSlots[at] = item.slot
    }
  }

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
    var low = 0
    var high = feedSequences.count
    while low < high {
      let middle = (low + high) / 2
      if feedSequences[middle] <= since { low = middle + 1 } else { high = middle }
    }
    while low < feedSequences.count {
      let number = feedSlots[low]
      if slot(number).pointee.sequence == feedSequences[low], !body(feedSequences[low], number) { return }
      low += 1
    }
  }
}
