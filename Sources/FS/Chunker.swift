/// Cuts content where the content says so: an insertion moves the cuts behind it along, and the chunks stay the same.
///
/// FastCDC: a gear hash over the last 63 bytes; a cut where chosen bits are zero, two more of them before the average
/// and two fewer after (normalised chunking), never below the minimum, always at the maximum. The format:
/// - gear\[i\] = the i-th output of SplitMix64 started at `gearSeed`;
/// - h = 0 at the minimum; for each byte b from there on: h = (h << 1) + gear\[b\] modulo 2^64; a cut *after* b where
///   h & mask = 0; the mask has its n ones at bits 62 downwards, n = log2(average) + 2 before the average, − 2 from there.
///
/// Pure; 2 to 4 GB/s a core.
public struct Chunker: Sendable {
  /// "Softadas" in ASCII.
  public static let gearSeed: UInt64 = 0x536F_6674_6164_6173
  private static let normalisation = 2

  public let sizeClass: ChunkSizeClass
  private let strict: UInt64
  private let loose: UInt64

  public init(_ sizeClass: ChunkSizeClass) {
    self.sizeClass = sizeClass
    strict = Self.mask(sizeClass.averageBits + Self.normalisation)
    loose = Self.mask(sizeClass.averageBits - Self.normalisation)
  }

  private static func mask(_ ones: Int) -> UInt64 { ((1 << UInt64(ones)) - 1) << UInt64(63 - ones) }

  /// The length of the first chunk of `bytes`.
  ///
  /// - Parameter isAtEnd: nothing follows `bytes`; the rest is then a chunk.
  /// - Returns: nil if that cannot be told without more bytes. With `sizeClass.maximum` bytes it always can.
  ///   0 for an empty buffer at the end.
  public func cut(_ bytes: UnsafeRawBufferPointer, isAtEnd: Bool) -> Int? {
    let end = min(bytes.count, sizeClass.maximum)
    if end <= sizeClass.minimum {
      return isAtEnd && end == bytes.count ? end : nil
    }
    let found = Self.gear.withUnsafeBufferPointer { gear in
      Self.evenGear.withUnsafeBufferPointer { even in
        search(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), end, gear.baseAddress!, even.baseAddress!)
      }
    }
    if let found { return found }
    return isAtEnd || end == sizeClass.maximum ? end : nil
  }

  /// Two bytes a step: the first one's gear value and mask are shifted by one beforehand, so the hash shifts once, and
  /// what is added does not wait for it. Eight bytes a load.
  private func search(
    _ bytes: UnsafePointer<UInt8>, _ end: Int, _ gear: UnsafePointer<UInt64>, _ even: UnsafePointer<UInt64>
  ) -> Int? {
    var hash: UInt64 = 0
    var at = sizeClass.minimum
    // Minimum and average are even, so no step crosses from one mask to the other.
    if let found = search(bytes, &at, &hash, until: min(sizeClass.average, end), strict, gear, even) { return found }
    if let found = search(bytes, &at, &hash, until: end, loose, gear, even) { return found }
    if at < end {
      hash = (hash &<< 1) &+ gear[Int(bytes[at])]
      if hash & (end > sizeClass.average ? loose : strict) == 0 { return end }
    }
    return nil
  }

  @inline(__always)
  private func search(
    _ bytes: UnsafePointer<UInt8>, _ at: inout Int, _ hash: inout UInt64, until limit: Int, _ mask: UInt64,
    _ gear: UnsafePointer<UInt64>, _ even: UnsafePointer<UInt64>
  ) -> Int? {
    let shifted = mask &<< 1
    var h = hash
    var i = at
    defer {
      hash = h
      at = i
    }
    while i &+ 8 <= limit {
      let word = UInt64(littleEndian: UnsafeRawPointer(bytes + i).loadUnaligned(as: UInt64.self))
      var pair = word
      for step in 0..<4 {
        let first = even[Int(truncatingIfNeeded: pair & 0xFF)]
        let both = first &+ gear[Int(truncatingIfNeeded: (pair &>> 8) & 0xFF)]
        let base = h &<< 2
        if (base &+ first) & shifted == 0 { return i &+ 2 &* step &+ 1 }
        h = base &+ both
        if h & mask == 0 { return i &+ 2 &* step &+ 2 }
        pair &>>= 16
      }
      i &+= 8
    }
    while i &+ 1 < limit {
      let base = (h &<< 2) &+ even[Int(bytes[i])]
      if base & shifted == 0 { return i &+ 1 }
      h = base &+ gear[Int(bytes[i &+ 1])]
      if h & mask == 0 { return i &+ 2 }
      i &+= 2
    }
    return nil
  }

  /// All cuts of content that lies in memory, as lengths.
  public func cuts(_ bytes: UnsafeRawBufferPointer) -> [Int] {
    var lengths: [Int] = []
    var at = 0
    while at < bytes.count, let length = cut(UnsafeRawBufferPointer(rebasing: bytes[at...]), isAtEnd: true) {
      lengths.append(length)
      at += length
    }
    return lengths
  }

  static let gear: [UInt64] = {
    var state = gearSeed
    return (0..<256).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }()

  private static let evenGear: [UInt64] = gear.map { $0 << 1 }
}
