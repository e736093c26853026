internal import Glibc

// The order of the keys: leaves of at most `leafSlots` slot numbers, each sorted by key, one behind the other.

extension EntryIndex {
  static let leafSlots = 512
  /// Leaves that are built at once leave room for what comes later.
  private static let builtLeafSlots = 448

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
    leaves[leaf].withUnsafeBufferPointer { leaf in
      var low = 0
      var high = leaf.count
      while low < high {
        let middle = (low + high) / 2
        if isLess(leaf[middle], key) { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  func insertIntoOrder(_ number: UInt32, _ key: UnsafeRawBufferPointer) {
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
      leaves[leaf].removeSubrange(cut...)
      leaves.insert(right, at: leaf + 1)
      if at >= cut {
        leaf += 1
        at -= cut
      }
    }
    leaves[leaf].insert(number, at: at)
    recentLeaf = leaf
  }

  func removeFromOrder(_ number: UInt32, _ key: UnsafeRawBufferPointer) {
    let leaf = leaf(for: key)
    let at = place(of: key, in: leaf)
    leaves[leaf].remove(at: at)
    if leaves[leaf].isEmpty {
      leaves.remove(at: leaf)
      recentLeaf = 0
    }
  }

  /// Replaces the order by that of the keys of these slots.
  func buildOrder(_ numbers: [UInt32]) {
    var items = numbers.map { KeySort.Item(word: 0, number: $0) }
    items.withUnsafeMutableBufferPointer { KeySort.sort($0) { self.keyBytes($0) } }
    leaves = stride(from: 0, to: items.count, by: Self.builtLeafSlots).map { start in
      var leaf: [UInt32] = []
      leaf.reserveCapacity(Self.leafSlots)
      for at in start..<min(items.count, start + Self.builtLeafSlots) { leaf.append(items[at].number) }
      return leaf
    }
    recentLeaf = 0
  }

  /// Walks the keys from the first one at or behind `start`, until the closure returns false.
  func walk(from start: UnsafeRawBufferPointer, _ body: (UInt32) -> Bool) {
    guard !leaves.isEmpty else { return }
    var leaf = start.isEmpty ? 0 : leaf(for: start)
    var at = start.isEmpty ? 0 : place(of: start, in: leaf)
    // A scan of a few entries must not pay for a whole leaf; a long one pays less when its slots come together.
    var ahead = 8
    while leaf < leaves.count {
      let isGoingOn = leaves[leaf].withUnsafeBufferPointer { numbers in
        while at < numbers.count {
          let end = min(numbers.count, at + ahead)
          touch(numbers[at..<end])
          while at < end {
            if !body(numbers[at]) { return false }
            at += 1
          }
          ahead = min(ahead * 2, 128)
        }
        return true
      }
      if !isGoingOn { return }
      leaf += 1
      at = 0
    }
  }

  /// Has the memory of these slots and keys fetched side by side, instead of one after the other.
  private func touch(_ numbers: Slice<UnsafeBufferPointer<UInt32>>) {
    var sum: UInt64 = 0
    for number in numbers { sum &+= slot(number).pointee.sequence }
    for number in numbers { sum &+= UInt64(keyBytes(number)[0]) }
    withExtendedLifetime(sum) {}
  }
}
