/// A dictionary from small numbers to small numbers, several times as fast as the general one.
///
/// Open addressing, at most half full; a place is the key plus one in the upper half, the value in the lower.
struct NumberMap {
  private var places: [UInt64] = [UInt64](repeating: 0, count: 64)
  private var shift: UInt64 = 58
  private var count = 0

  @inline(__always)
  private func home(_ key: UInt32) -> Int {
    // Fibonacci hashing: neighbouring numbers spread over the whole table.
    Int((UInt64(key) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  subscript(key: UInt32) -> UInt32? {
    @inline(__always)
    get {
      places.withUnsafeBufferPointer { places in
        var at = home(key)
        while places[at] != 0 {
          if places[at] >> 32 == UInt64(key) + 1 { return UInt32(truncatingIfNeeded: places[at]) }
          at = (at + 1) & (places.count - 1)
        }
        return nil
      }
    }
    set {
      if let newValue { set(key, newValue) } else { remove(key) }
    }
  }

  private mutating func set(_ key: UInt32, _ value: UInt32) {
    if (count + 1) * 2 > places.count { grow() }
    let at = place(of: key)
    if places[at] == 0 { count += 1 }
    places[at] = (UInt64(key) + 1) << 32 | UInt64(value)
  }

  private mutating func remove(_ key: UInt32) {
    var hole = place(of: key)
    guard places[hole] != 0 else { return }
    var at = hole
    while true {
      at = (at + 1) & (places.count - 1)
      guard places[at] != 0 else { break }
      let home = home(UInt32(places[at] >> 32 - 1))
      if (at - home) & (places.count - 1) >= (at - hole) & (places.count - 1) {
        places[hole] = places[at]
        hole = at
      }
    }
    places[hole] = 0
    count -= 1
  }

  /// Where the key is, or would be put.
  private func place(of key: UInt32) -> Int {
    var at = home(key)
    while places[at] != 0, places[at] >> 32 != UInt64(key) + 1 { at = (at + 1) & (places.count - 1) }
    return at
  }

  private mutating func grow() {
    let old = places
    places = [UInt64](repeating: 0, count: old.count * 2)
    shift -= 1
    for item in old where item != 0 {
      var at = home(UInt32(item >> 32 - 1))
      while places[at] != 0 { at = (at + 1) & (places.count - 1) }
      places[at] = item
    }
  }
}
