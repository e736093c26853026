internal import Glibc

/// The keys' bytes, in blocks that never move. Freed places are used again for keys of the same size class.
final class KeyArena: @unchecked Sendable {
  /// A reference counts units of four bytes: 32 bits reach 16 GiB.
  private static let unitBytes = 4
  private static let blockShift = 18
  private static let blockUnits = 1 << blockShift
  /// 2^32 units at most: 16,384 blocks.
  private static let maxBlocks = 1 << (32 - blockShift)

  /// Room for all there can ever be; only what is used of it occupies memory.
  private let blocks = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: maxBlocks)
  private var blockCount = 0
  private var used = blockUnits
  private var free: [Int: [UInt32]] = [:]

  deinit {
    for at in 0..<blockCount { blocks[at].deallocate() }
    blocks.deallocate()
  }

  var allocatedBytes: Int { blockCount * Self.blockUnits * Self.unitBytes }

  func insert(_ key: UnsafeRawBufferPointer) -> UInt32 {
    let units = Self.units(key.count)
    let reference: UInt32
    if !free.isEmpty, let reused = free[units]?.popLast() {
      reference = reused
    } else {
      if used + units > Self.blockUnits {
        precondition(blockCount < Self.maxBlocks, "more than 16 GiB of keys")
        (blocks + blockCount).initialize(
          to: .allocate(byteCount: Self.blockUnits * Self.unitBytes, alignment: 16))
        blockCount += 1
        used = 0
      }
      reference = UInt32((blockCount - 1) << Self.blockShift + used)
      used += units
    }
    memcpy(pointer(reference), key.baseAddress!, key.count)
    return reference
  }

  func remove(_ reference: UInt32, count: Int) { free[Self.units(count), default: []].append(reference) }

  @inline(__always)
  func pointer(_ reference: UInt32) -> UnsafeMutableRawPointer {
    blocks[Int(reference) >> Self.blockShift] + Int(reference) & (Self.blockUnits - 1) * Self.unitBytes
  }

  private static func units(_ count: Int) -> Int { (count + unitBytes - 1) / unitBytes }
}
