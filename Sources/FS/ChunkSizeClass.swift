/// How large the chunks of a file are: it grows with the file, so that a manifest stays at a few thousand chunks.
///
/// | class | average | minimum | maximum | files up to |
/// | 0 | 64 KiB | 16 KiB | 256 KiB | 256 MiB |
/// | 1 | 256 KiB | 64 KiB | 1 MiB | 1 GiB |
/// | 2 | 1 MiB | 256 KiB | 4 MiB | 4 GiB |
/// | 3 | 4 MiB | 1 MiB | 8 MiB | 16 GiB |
/// | 4 | 8 MiB | 2 MiB | 12 MiB | any size |
///
/// The largest chunk fits one 16 MiB frame with room for its header, compressed or not. The table is part of the
/// format: nodes that cut differently find no common chunks.
public struct ChunkSizeClass: Hashable, Comparable, Sendable {
  public static let largest = ChunkSizeClass(valid: 4)
  /// Without a jump in size a file keeps its class until it is this many times outside its range.
  public static let hysteresis: UInt64 = 8

  /// 0…4; travels in the manifest.
  public let rawValue: UInt8

  private init(valid: UInt8) { rawValue = valid }

  /// Nil for a class that does not exist.
  public init?(rawValue: UInt8) {
    guard rawValue <= Self.largest.rawValue else { return nil }
    self.rawValue = rawValue
  }

  /// The class of a file that has none yet.
  public init(forFileSize size: UInt64) {
    var found: UInt8 = 0
    while found < Self.largest.rawValue, size > Self.upperBound(found) { found += 1 }
    rawValue = found
  }

  /// log2 of the average.
  var averageBits: Int { [16, 18, 20, 22, 23][Int(rawValue)] }

  public var average: Int { 1 << averageBits }
  public var minimum: Int { average / 4 }
  public var maximum: Int { [256 << 10, 1 << 20, 4 << 20, 8 << 20, 12 << 20][Int(rawValue)] }

  private static func upperBound(_ rawValue: UInt8) -> UInt64 { (256 << 20) << (2 * UInt64(rawValue)) }

  /// The class for the next version of a file that has this one: a change of class costs every chunk, so it is late.
  public func next(forFileSize size: UInt64) -> ChunkSizeClass {
    let isAbove = self != Self.largest && size / Self.hysteresis > Self.upperBound(rawValue)
    let isBelow = rawValue > 0 && size < Self.upperBound(rawValue - 1) / Self.hysteresis
    return isAbove || isBelow ? ChunkSizeClass(forFileSize: size) : self
  }

  public static func < (a: ChunkSizeClass, b: ChunkSizeClass) -> Bool { a.rawValue < b.rawValue }
}
