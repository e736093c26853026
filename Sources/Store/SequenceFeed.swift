/// Slot numbers by the sequence of their entries' changes. An item counts only while its slot has that sequence.
struct SequenceFeed {
  private var sequences: [UInt64] = []
  private var numbers: [UInt32] = []

  var count: Int { sequences.count }
  var allocatedBytes: Int { sequences.capacity * 8 + numbers.capacity * 4 }

  mutating func append(_ sequence: UInt64, _ number: UInt32) {
    if sequences.count == sequences.capacity { reserve(sequences.count / 4 + 64) }
    sequences.append(sequence)
    numbers.append(number)
  }

  mutating func reserve(_ more: Int) {
    sequences.reserveCapacity(sequences.count + more)
    numbers.reserveCapacity(numbers.count + more)
  }

  /// Drops items whose entry has moved on.
  mutating func tidy(_ isCurrent: (UInt64, UInt32) -> Bool) {
    var kept = 0
    for at in sequences.indices where isCurrent(sequences[at], numbers[at]) {
      sequences[kept] = sequences[at]
      numbers[kept] = numbers[at]
      kept += 1
    }
    sequences.removeLast(sequences.count - kept)
    numbers.removeLast(numbers.count - kept)
  }

  mutating func giveBackMemory() {
    sequences = Array(sequences[...])
    numbers = Array(numbers[...])
  }

  /// After entries were loaded in another order.
  mutating func sort() {
    guard zip(sequences, sequences.dropFirst()).contains(where: { $0 > $1 }) else { return }
    var items = zip(sequences, numbers).map { (sequence: $0, number: $1) }
    items.sort { $0.sequence < $1.sequence }
    for (at, item) in items.enumerated() {
      sequences[at] = item.sequence
      numbers[at] = item.number
    }
  }

  /// Walks all items with a sequence above `since`, until the closure returns false.
  func walk(since: UInt64, _ body: (UInt64, UInt32) -> Bool) {
    var low = 0
    var high = sequences.count
    while low < high {
      let middle = (low + high) / 2
      if sequences[middle] <= since { low = middle + 1 } else { high = middle }
    }
    while low < sequences.count {
      if !body(sequences[low], numbers[low]) { return }
      low += 1
    }
  }
}
