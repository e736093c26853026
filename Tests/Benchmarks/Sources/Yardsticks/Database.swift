/// An ordered key-value database on a disk, as the comparison drives it.
public protocol Database {
  /// As it appears in tables.
  static var name: String { get }

  /// Opens or creates a database in an existing directory, with every commit durable before it returns.
  init(directory: String) throws
  /// One commit, durable when it returns.
  func put(_ pairs: [Pair]) throws
  /// Bytes of the value; nil for a key that is not there. The value is copied out, as a caller would.
  func get(_ key: [UInt8]) throws -> Int?
  /// Visits up to `limit` entries from the key on, in byte order, and returns how many bytes of keys it saw.
  func scan(from key: [UInt8], limit: Int) throws -> Int
  func close() throws
}

/// What is written: the same for every database.
public struct Pair: Sendable {
  public static let valueBytes = 100

  public let key: [UInt8]
  public let value: [UInt8]

  public init(_ number: Int) {
    key = Pair.key(number)
    value = (0..<Pair.valueBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
  }

  /// `kv/` and twelve digits, scattered over the key space as paths and people's keys are.
  public static func key(_ number: Int) -> [UInt8] {
    var digits = [UInt8](repeating: UInt8(ascii: "0"), count: 12)
    var rest = (number &* 7_919_777) % 999_999_999_989
    for at in stride(from: 11, through: 0, by: -1) {
      digits[at] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return Array("kv/".utf8) + digits
  }
}

/// A yardstick that does not work here at all.
public struct YardstickError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
