/// A hybrid logical timestamp: 48 bits of milliseconds since 1970, 16 bits of logical counter.
///
/// It orders concurrent versions and dates conflict copies. No safety decision rests on it. (Kulkarni et al., 2014.)
public struct HybridTimestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public init(milliseconds: UInt64, logical: UInt16 = 0) {
    rawValue = min(milliseconds, (1 << 48) - 1) << 16 | UInt64(logical)
  }

  public var milliseconds: UInt64 { rawValue >> 16 }
  public var logical: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
  public static func < (a: HybridTimestamp, b: HybridTimestamp) -> Bool { a.rawValue < b.rawValue }
  public var description: String { "\(milliseconds).\(logical)" }
}

/// Hands out timestamps that only grow, and never lie behind one that was seen.
///
/// A wall clock that jumps back does not stop it; one that is years ahead drags the others along only as far as
/// they see its versions, which costs nothing but odd dates.
public struct HybridClock: Sendable {
  public private(set) var last: HybridTimestamp

  public init(last: HybridTimestamp = HybridTimestamp(rawValue: 0)) { self.last = last }

  public mutating func next(wallMilliseconds: Int64) -> HybridTimestamp {
    let wall = HybridTimestamp(milliseconds: UInt64(max(0, wallMilliseconds)))
    last = wall > last ? wall : HybridTimestamp(rawValue: last.rawValue == .max ? .max : last.rawValue + 1)
    return last
  }

  public mutating func observe(_ other: HybridTimestamp) {
    if other > last { last = other }
  }
}
