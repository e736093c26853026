/// Cuts content where the content says so: an insertion moves the cuts behind it along, and the chunks stay the same.
///
/// Two sieves decide, a cheap one about every byte and a good one about what is left of them. The format, with all
/// numbers little-endian:
/// - byte i has the *mark* if `(x * 0x7C15 + y * 0x9E37) mod 2^16`, with x the two bytes i − 3 and i − 2, y the two bytes
///   i − 1 and i, has in its ten highest bits those of `mark`;
/// - its *window* is the hash of the 32 bytes up to and with i, as four 64-bit words (`ContentWindow`);
/// - a cut falls behind a byte with the mark whose window begins with n zero bits: n = log2(average) − 9 before the average,
///   and four fewer from there; never below the minimum, always at the maximum.
///
/// Fewer cuts before the average and more after it are FastCDC's normalised chunking (Xia et al., USENIX ATC 2016).
/// The mark takes no table and no byte waits for another, so a vector unit finds it, in the manner of VectorCDC
/// (Udayashankar et al., FAST 2025). Runs of one byte have no mark. Finds duplicates like FastCDC: see the project's
/// performance notes.
///
/// Pure; about 5 GB/s a core, what the minimum skips included.
public struct Chunker: Sendable {
  private static let markBits = 10
  private static let markMask: UInt16 = 0xFFC0
  private static let mark: UInt16 = 0xA700
  private static let olderFactor: UInt16 = 0x7C15
  private static let newerFactor: UInt16 = 0x9E37
  /// Zero bits of the window more before the average, and fewer after it.
  private static let strictBits = 1
  private static let looseBits = 3

  public let sizeClass: ChunkSizeClass
  private let strict: ContentWindow
  private let loose: ContentWindow

  public init(_ sizeClass: ChunkSizeClass) {
    self.sizeClass = sizeClass
    strict = ContentWindow(zeroBits: sizeClass.averageBits - Self.markBits + Self.strictBits)
    loose = ContentWindow(zeroBits: sizeClass.averageBits - Self.markBits - Self.looseBits)
  }

  /// The length of the first chunk of `bytes`.
  ///
  /// - Parameter isAtEnd: nothing follows `bytes`; the rest is then a chunk.
  /// - Returns: nil if that cannot be told without more bytes. With `sizeClass.maximum` bytes it always can.
  ///   0 for an empty buffer at the end.
  public func cut(_ bytes: UnsafeRawBufferPointer, isAtEnd: Bool) -> Int? {
    cut(bytes, isAtEnd: isAtEnd, withVectors: Self.isOptimised)
  }

  /// Without the optimiser vectors are ten times slower than single bytes.
  private static let isOptimised = !_isDebugAssertConfiguration()

  func cut(_ bytes: UnsafeRawBufferPointer, isAtEnd: Bool, withVectors: Bool) -> Int? {
    let end = min(bytes.count, sizeClass.maximum)
    if end <= sizeClass.minimum {
      return isAtEnd && end == bytes.count ? end : nil
    }
    let start = bytes.baseAddress!
    let average = min(sizeClass.average, end)
    let found =
      withVectors
      ? search(start, sizeClass.minimum, average, strict) ?? search(start, average, end, loose)
      : searchSingly(start, sizeClass.minimum, average, strict) ?? searchSingly(start, average, end, loose)
    if let found { return found }
    return isAtEnd || end == sizeClass.maximum ? end : nil
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

  // MARK: Searching

  private typealias Pairs = SIMD8<UInt16>

  /// 32 bytes a step. A mark comes once in a thousand bytes, so most steps end with the first look.
  private func search(_ bytes: UnsafeRawPointer, _ start: Int, _ end: Int, _ window: ContentWindow) -> Int? {
    var at = start
    while at &+ 32 <= end {
      let even = Self.marks(bytes + at)
      let odd = Self.marks(bytes + at + 1)
      let laterEven = Self.marks(bytes + at + 16)
      let laterOdd = Self.marks(bytes + at + 17)
      let any = unsafeBitCast((even .| odd) .| (laterEven .| laterOdd), to: SIMD2<UInt64>.self)
      if any.x | any.y != 0, let found = searchSingly(bytes, at, at &+ 32, window) { return found }
      at &+= 32
    }
    return searchSingly(bytes, at, end, window)
  }

  /// Of every second byte, beginning with this one, whether it has the mark.
  @inline(__always)
  private static func marks(_ byte: UnsafeRawPointer) -> SIMDMask<SIMD8<Int16>> {
    let newer = (byte - 1).loadUnaligned(as: Pairs.self)
    let older = (byte - 3).loadUnaligned(as: Pairs.self)
    return ((older &* olderFactor &+ newer &* newerFactor) & markMask) .== Pairs(repeating: mark)
  }

  @inline(__always)
  private func searchSingly(_ bytes: UnsafeRawPointer, _ start: Int, _ end: Int, _ window: ContentWindow) -> Int? {
    guard start < end else { return nil }
    let single = bytes.assumingMemoryBound(to: UInt8.self)
    var older = UInt16(single[start - 3]) | UInt16(single[start - 2]) &<< 8
    var between = UInt16(single[start - 2]) | UInt16(single[start - 1]) &<< 8
    var at = start
    while at < end {
      let newer = between &>> 8 | UInt16(single[at]) &<< 8
      if (older &* Self.olderFactor &+ newer &* Self.newerFactor) & Self.markMask == Self.mark,
        window.accepts(endingWith: bytes + at)
      {
        return at &+ 1
      }
      older = between
      between = newer
      at &+= 1
    }
    return nil
  }
}

/// The chunker's good sieve: one of 2^zeroBits windows of 32 bytes passes it.
///
/// With the window's words a to d and factors k0 to k3: s = (a·k0 + rotate(b·k1)) xor (c·k2 + rotate(d·k3)), rotated by 32
/// bits; the hash is (s xor s >> 29)·k0, all modulo 2^64.
struct ContentWindow: Sendable {
  private static let k0: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let k1: UInt64 = 0xBF58_476D_1CE4_E5B9
  private static let k2: UInt64 = 0x94D0_49BB_1331_11EB
  private static let k3: UInt64 = 0xD6E8_FEB8_6659_FD93

  private let shift: UInt64

  /// - Parameter zeroBits: 1…63.
  init(zeroBits: Int) { shift = UInt64(64 - zeroBits) }

  /// - Parameter last: the window's last byte; 31 more must lie before it.
  @inline(__always)
  func accepts(endingWith last: UnsafeRawPointer) -> Bool {
    let a = Self.word(last - 31) &* Self.k0
    let b = Self.word(last - 23) &* Self.k1
    let c = Self.word(last - 15) &* Self.k2
    let d = Self.word(last - 7) &* Self.k3
    let mixed = (a &+ (b &<< 32 | b &>> 32)) ^ (c &+ (d &<< 32 | d &>> 32))
    return ((mixed ^ mixed &>> 29) &* Self.k0) &>> shift == 0
  }

  @inline(__always)
  private static func word(_ at: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
  }
}
