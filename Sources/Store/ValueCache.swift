/// Records of small entries, so that reading them touches no disk. The oldest go first.
struct ValueCache {
  static let maxPayloadBytes = 4 << 10
  private static let overhead = 96

  /// `Int.max` for a store in memory, whose values are nowhere else.
  let budget: Int
  private var payloads: [UInt32: (sequence: UInt64, payload: [UInt8])] = [:]
  private var order: [(slot: UInt32, sequence: UInt64, bytes: Int)] = []
  private var head = 0
  private var bytes = 0

  init(budget: Int) { self.budget = budget }

  var isEverything: Bool { budget == .max }

  func payload(_ slot: UInt32, sequence: UInt64) -> [UInt8]? {
    guard let found = payloads[slot], found.sequence == sequence else { return nil }
    return found.payload
  }

  mutating func insert(_ slot: UInt32, sequence: UInt64, _ payload: [UInt8]) {
    if isEverything {
      payloads[slot] = (sequence, payload)
      return
    }
    guard payload.count <= Self.maxPayloadBytes, budget > 0 else {
      remove(slot)
      return
    }
    let cost = payload.count + Self.overhead
    payloads[slot] = (sequence, payload)
    order.append((slot, sequence, cost))
    bytes += cost
    while bytes > budget, head < order.count {
      let oldest = order[head]
      head += 1
      bytes -= oldest.bytes
      if payloads[oldest.slot]?.sequence == oldest.sequence { payloads[oldest.slot] = nil }
    }
    if head > 4096, head * 2 > order.count {
      order.removeFirst(head)
      head = 0
    }
  }

  mutating func remove(_ slot: UInt32) { payloads[slot] = nil }

  /// Everything that is also in the log.
  mutating func removeAll() {
    if !isEverything { self = ValueCache(budget: budget) }
  }
}
