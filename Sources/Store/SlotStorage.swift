/// The slots, in blocks that never move, by number. Numbers of removed entries are used again.
struct SlotStorage: ~Copyable {
  private static let blockShift = 12
  private static let blockSlots = 1 << blockShift
  /// 2^32 numbers at most: room for the addresses of all blocks grows by doubling.
  private var blocks: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
  private var blockCapacity = 64
  private var blockCount = 0
  private(set) var count = 0
  private var free: [UInt32] = []

  init() { blocks = .allocate(capacity: 64) }

  deinit {
    for at in 0..<blockCount { blocks[at].deallocate() }
    blocks.deallocate()
  }

  var allocatedBytes: Int {
    blockCount * Self.blockSlots * MemoryLayout<Slot>.stride + blockCapacity * 8 + free.capacity * 4
  }

  @inline(__always)
  subscript(number: UInt32) -> UnsafeMutablePointer<Slot> {
    blocks[Int(number) >> Self.blockShift] + Int(number) & (Self.blockSlots - 1)
  }

  mutating func add(_ slot: Slot) -> UInt32 {
    if let number = free.popLast() {
      self[number].pointee = slot
      return number
    }
    if count == blockCount * Self.blockSlots { addBlock() }
    let number = UInt32(count)
    count += 1
    self[number].initialize(to: slot)
    return number
  }

  /// A feed item that still names the slot no longer matches its sequence.
  mutating func remove(_ number: UInt32) {
    self[number].pointee.sequence = 0
    free.append(number)
  }

  mutating func giveBackMemory() { free = Array(free[...]) }

  private mutating func addBlock() {
    if blockCount == blockCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutablePointer<Slot>>.allocate(capacity: blockCapacity * 2)
      larger.moveInitialize(from: blocks, count: blockCount)
      blocks.deallocate()
      blocks = larger
      blockCapacity *= 2
    }
    (blocks + blockCount).initialize(to: .allocate(capacity: Self.blockSlots))
    blockCount += 1
  }
}
