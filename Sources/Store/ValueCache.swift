internal import Glibc

/// Records of small entries, so that reading them touches no disk. The oldest go first.
///
/// They lie one behind the other in a ring of the budget's size: finding one touches its place in a table and the record
/// itself. The caller serialises all calls. A record that is superseded is forgotten at once and makes room when its turn comes.
struct ValueCache: ~Copyable, @unchecked Sendable {
  static let maxPayloadBytes = 4 << 10
  /// Before each payload: sequence u64, slot u32, length u32. Records begin at multiples of it.
  private static let headBytes = 16
  /// In place of a slot: the rest of the ring is left out.
  private static let filler = UInt32.max

  /// `Int.max` for a store in memory, whose values are nowhere else.
  let budget: Int
  private var everything: [UInt32: (sequence: UInt64, payload: [UInt8])] = [:]

  private var ring: UnsafeMutableRawPointer?
  private let capacity: Int
  private var head = 0
  private var used = 0
  /// Of each slot's record in the ring, in units of `headBytes`.
  private var places = NumberMap()

  init(budget: Int) {
    self.budget = budget
    capacity = budget == .max ? 0 : max(0, budget) / Self.headBytes * Self.headBytes
  }

  deinit { ring?.deallocate() }

  var isEverything: Bool { budget == .max }

  /// Lends the payload. It is the slot's newest: every change of a slot comes here too.
  @inline(__always)
  func with<R>(_ slot: UInt32, _ body: (_ sequence: UInt64, _ payload: UnsafeRawBufferPointer) -> R) -> R? {
    if isEverything {
      return everything[slot].map { item in item.payload.withUnsafeBytes { body(item.sequence, $0) } }
    }
    guard let place = places[slot], let ring else { return nil }
    let record = UnsafeRawPointer(ring + Int(place) * Self.headBytes)
    let count = Int(record.load(fromByteOffset: 12, as: UInt32.self))
    return body(
      record.load(as: UInt64.self), UnsafeRawBufferPointer(start: record + Self.headBytes, count: count))
  }

  mutating func insert(_ slot: UInt32, sequence: UInt64, _ payload: [UInt8]) {
    if isEverything {
      everything[slot] = (sequence, payload)
      return
    }
    let needed = Self.recordBytes(payload.count)
    guard payload.count <= Self.maxPayloadBytes, needed * 4 <= capacity else {
      remove(slot)
      return
    }
    if ring == nil { ring = .allocate(byteCount: capacity, alignment: 16) }
    let toEnd = capacity - tail
    let filling = toEnd < needed ? toEnd : 0
    while capacity - used < needed + filling { dropOldest() }
    if filling > 0 {
      write(0, Self.filler, UInt32(filling - Self.headBytes))
      used += filling
    }
    places[slot] = UInt32(tail / Self.headBytes)
    let at = tail
    write(sequence, slot, UInt32(payload.count))
    _ = payload.withUnsafeBytes { memcpy(ring! + at + Self.headBytes, $0.baseAddress!, $0.count) }
    used += needed
  }

  mutating func remove(_ slot: UInt32) {
    if isEverything { everything[slot] = nil } else { places[slot] = nil }
  }

  /// Everything that is also in the log.
  mutating func removeAll() {
    guard !isEverything else { return }
    ring?.deallocate()
    ring = nil
    head = 0
    used = 0
    places = NumberMap()
  }

  private var tail: Int {
    let end = head + used
    return end >= capacity ? end - capacity : end
  }

  private static func recordBytes(_ count: Int) -> Int { headBytes + (count + headBytes - 1) / headBytes * headBytes }

  private func write(_ sequence: UInt64, _ slot: UInt32, _ count: UInt32) {
    let record = ring! + tail
    record.storeBytes(of: sequence, as: UInt64.self)
    record.storeBytes(of: slot, toByteOffset: 8, as: UInt32.self)
    record.storeBytes(of: count, toByteOffset: 12, as: UInt32.self)
  }

  private mutating func dropOldest() {
    let record = ring! + head
    let slot = record.load(fromByteOffset: 8, as: UInt32.self)
    let bytes = Self.recordBytes(Int(record.load(fromByteOffset: 12, as: UInt32.self)))
    if slot != Self.filler, places[slot] == UInt32(head / Self.headBytes) { places[slot] = nil }
    used -= bytes
    head = head + bytes == capacity ? 0 : head + bytes
  }
}
