/// Finds slot numbers by their keys' hashes: open addressing, at most three quarters full, eight bytes a place.
///
/// A place holds 32 bits of the hash beside the number, so that looking past other keys touches neither their slots nor
/// their bytes, and growing touches nothing but the table.
struct KeyTable: ~Copyable {
  /// The upper half is the hash's, the lower half the slot number plus one; 0 is free.
  private static let tagBits: UInt64 = 0xFFFF_FFFF_0000_0000
  private var places: UnsafeMutablePointer<UInt64>
  private var mask: Int
  private var used = 0

  init() {
    mask = 1023
    places = Self.allocate(1024)
  }

  deinit { places.deallocate() }

  var allocatedBytes: Int { (mask + 1) * MemoryLayout<UInt64>.size }

  /// The number with this hash of which `isKey` says that its key is the one.
  @inline(__always)
  func find(_ hash: UInt64, _ isKey: (UInt32) -> Bool) -> UInt32? {
    let wanted = hash >> 32
    var at = Int(wanted) & mask
    while places[at] != 0 {
      let place = places[at]
      if place >> 32 == wanted, isKey(UInt32(truncatingIfNeeded: place) - 1) {
        return UInt32(truncatingIfNeeded: place) - 1
      }
      at = (at + 1) & mask
    }
    return nil
  }

  /// The key must not be there.
  mutating func insert(_ number: UInt32, _ hash: UInt64) {
    if (used + 1) * 4 > (mask + 1) * 3 { grow(to: (mask + 1) * 2) }
    put((hash & Self.tagBits) | UInt64(number + 1))
    used += 1
  }

  mutating func remove(_ number: UInt32, _ hash: UInt64) {
    let wanted = (hash & Self.tagBits) | UInt64(number + 1)
    var hole = Int(hash >> 32) & mask
    while places[hole] != wanted { hole = (hole + 1) & mask }
    // Close the gap: move back whoever could not be found across it.
    var at = hole
    while true {
      at = (at + 1) & mask
      guard places[at] != 0 else { break }
      let home = Int(places[at] >> 32) & mask
      if (at - home) & mask >= (at - hole) & mask {
        places[hole] = places[at]
        hole = at
      }
    }
    places[hole] = 0
    used -= 1
  }

  /// Makes room for so many keys at once.
  mutating func reserve(_ count: Int) {
    var wanted = mask + 1
    while count * 4 > wanted * 3 { wanted *= 2 }
    if wanted > mask + 1 { grow(to: wanted) }
  }

  private mutating func grow(to size: Int) {
    let old = places
    let oldSize = mask + 1
    mask = size - 1
    places = Self.allocate(size)
    for at in 0..<oldSize where old[at] != 0 { put(old[at]) }
    old.deallocate()
  }

  private func put(_ place: UInt64) {
    var at = Int(place >> 32) & mask
    while places[at] != 0 { at = (at + 1) & mask }
    places[at] = place
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let fresh = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    fresh.initialize(repeating: 0, count: count)
    return fresh
  }
}
