/// Who a node is: SHA-256 of its public key.
public struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public static let byteCount = 32
  /// Always `byteCount` bytes.
  public let bytes: [UInt8]

  /// Nil unless there are exactly 32 bytes.
  public init?(bytes: some Sequence<UInt8>) {
    let array = Array(bytes)
    guard array.count == Self.byteCount else { return nil }
    self.bytes = array
  }

  /// Reads what `description` writes; groups and case do not matter.
  public init?(_ text: some StringProtocol) {
    guard let bytes = Base32.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// Base32 in groups of four characters.
  public var description: String { Base32.grouped(Base32.encode(bytes)) }

  /// The first eight characters, in two groups: enough for people within one group of machines.
  public var short: String { tag.description }

  public var tag: AuthorTag { AuthorTag(of: self) }

  public static func < (a: NodeID, b: NodeID) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  /// All bytes at once: an array hashes them one by one.
  public func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}

/// The first 40 bits of a node ID: names the author of a version in tie-breaks and conflict copies.
public struct AuthorTag: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64

  /// Only the low 40 bits are kept.
  public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFF_FFFF_FFFF }

  public init(of node: NodeID) {
    rawValue = node.bytes.prefix(5).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Eight base32 characters without separator.
  public var compact: String {
    Base32.encode((0..<5).map { UInt8(truncatingIfNeeded: rawValue >> UInt64(32 - 8 * $0)) })
  }

  public var description: String { Base32.grouped(compact) }

  public static func < (a: AuthorTag, b: AuthorTag) -> Bool { a.rawValue < b.rawValue }
}

/// One life of a store: 64 random bits drawn when it is created, or when its history cannot be trusted any more.
public struct ReplicaID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public var description: String { hex(rawValue) }
  public static func < (a: ReplicaID, b: ReplicaID) -> Bool { a.rawValue < b.rawValue }
}

/// A folder of a group: 64 random bits, independent of its name and of where it lies on any machine.
public struct FolderID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
    rawValue = value
  }

  public var description: String { hex(rawValue) }
  public static func < (a: FolderID, b: FolderID) -> Bool { a.rawValue < b.rawValue }
}

/// A group of nodes that trust each other: 128 random bits.
public struct GroupID: Hashable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
  public var description: String { hex(high) + hex(low) }
}

/// Sixteen lower-case hexadecimal digits.
func hex(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
