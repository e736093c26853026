internal import Glibc

/// The keys' bytes, in blocks that never move. Freed places are used again for keys of the same size class.
final class KeyArena: @unchecked Sendable {
  /// A reference counts units of four bytes: 32 bits reach 16 GiB.
  private static let unitBytes = 4
  private static let blockUnits = 1 << 18
  private var blocks: [UnsafeMutableRawPointer] = []
  private var used = blockUnits
  private var free: [Int: [UInt32]] = [:]

  deinit { for block in blocks { block.deallocate() } }

  var allocatedBytes: Int { blocks.count * Self.blockUnits * Self.unitBytes }

  func insert(_ key: UnsafeRawBufferPointer) -> UInt32 {
    let units = Self.units(key.count)
    let reference: UInt32
    if let reused = free[units]?.popLast() {
      reference = reused
    } else {
      if used + units > Self.blockUnits {
        blocks.append(.allocate(byteCount: Self.blockUnits * Self.unitBytes, alignment: 16))
        used = 0
      }
      reference = UInt32((blocks.count - 1) * Self.blockUnits + used)
      used += units
    }
    memcpy(pointer(reference), key.baseAddress!, key.count)
    return reference
  }

  func remove(_ reference: UInt32, count: Int) { free[Self.units(count), default: []].append(reference) }

  func pointer(_ reference: UInt32) -> UnsafeMutableRawPointer {
    blocks[Int(reference) / Self.blockUnits] + Int(reference) % Self.blockUnits * Self.unitBytes
  }

  private static func units(_ count: Int) -> Int { (count + unitBytes - 1) / unitBytes }
}
