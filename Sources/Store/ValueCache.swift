/// Records of small entries, so that reading them touches no disk. The oldest go first.
struct ValueCache {
  static let maxPayloadBytes = 4 << 10
  private static let overhead = 96

  private struct Item {
    var slot: UInt32
    /// 0 for an item that was removed.
    var sequence: UInt64
    var payload: [UInt8]
  }

  /// `Int.max` for a store in memory, whose values are nowhere else.
  let budget: Int
  /// In the order of their coming, behind those that have gone.
  private var items: [Item] = []
  private var head = 0
  private var removed = 0
  private var places = NumberMap()
  private var bytes = 0

  init(budget: Int) { self.budget = budget }

  var isEverything: Bool { budget == .max }

  @inline(__always)
  func payload(_ slot: UInt32, sequence: UInt64) -> [UInt8]? {
    guard let at = places[slot], items[Int(at)].sequence == sequence else { return nil }
    return items[Int(at)].payload
  }

  mutating func insert(_ slot: UInt32, sequence: UInt64, _ payload: [UInt8]) {
    guard isEverything || (payload.count <= Self.maxPayloadBytes && budget > 0) else {
      remove(slot)
      return
    }
    if let at = places[slot] {
      bytes += payload.count - items[Int(at)].payload.count
      items[Int(at)].sequence = sequence
      items[Int(at)].payload = payload
    } else {
      places[slot] = UInt32(items.count)
      items.append(Item(slot: slot, sequence: sequence, payload: payload))
      bytes += payload.count + Self.overhead
    }
    while bytes > budget, head < items.count { drop(head) }
  }

  mutating func remove(_ slot: UInt32) {
    if let at = places[slot] { drop(Int(at)) }
  }

  private mutating func drop(_ at: Int) {
    if items[at].sequence > 0 {
      places[items[at].slot] = nil
      bytes -= items[at].payload.count + Self.overhead
      items[at].sequence = 0
      items[at].payload = []
      removed += 1
    }
    while head < items.count, items[head].sequence == 0 {
      head += 1
      removed -= 1
    }
    if head + removed > 4096, (head + removed) * 2 > items.count { tidy() }
  }

  private mutating func tidy() {
    items = items[head...].filter { $0.sequence > 0 }
    head = 0
    removed = 0
    for (at, item) in items.enumerated() { places[item.slot] = UInt32(at) }
  }

  /// Everything that is also in the log.
  mutating func removeAll() {
    if !isEverything { self = ValueCache(budget: budget) }
  }
}
