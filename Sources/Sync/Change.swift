public import SoftadastraCore

/// One entry of a feed as it travels: what a store entry holds, without the space's prefix in its key.
public struct Change: Sendable, Hashable {
  /// Concerns only this copy of the entry, or how its value is written.
  public struct Flags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let deleted = Flags(rawValue: 1)
    /// A conflict copy: its dot was first used at another path, so a watermark says nothing about it.
    public static let conflictCopy = Flags(rawValue: 2)
    /// The value is a delta against the version that the receiver is believed to hold.
    public static let delta = Flags(rawValue: 4)
    /// A move record: a hint, not an entry.
    public static let move = Flags(rawValue: 8)
    /// What a power loss left of a version whose bytes it took: whoever has later ones keeps them.
    public static let lost = Flags(rawValue: 16)
    static let known: Flags = [.deleted, .conflictCopy, .delta, .move, .lost]
  }

  /// In the sender's log.
  public var sequence: UInt64
  public var key: [UInt8]
  public var version: Version
  public var flags: Flags
  public var value: [UInt8]
  /// The file's whole content, when it is small.
  public var content: [UInt8]?

  public init(
    sequence: UInt64, key: [UInt8], version: Version, flags: Flags, value: [UInt8], content: [UInt8]? = nil
  ) {
    self.sequence = sequence
    self.key = key
    self.version = version
    self.flags = flags
    self.value = value
    self.content = content
  }

  public var isDeleted: Bool { flags.contains(.deleted) }
}

// | field    | form                                                            |
// | -------- | --------------------------------------------------------------- |
// | flags    | u8; bit 7: content follows                                      |
// | sequence | varint                                                          |
// | key      | byte string, 1 ... 65,536                                       |
// | version  | see Core                                                        |
// | value    | byte string, <= 8 MiB                                           |
// | content  | byte string, <= `Change.maxInlineBytes`, only with bit 7        |

extension Change {
  /// Files up to this size travel inside their change.
  public static let maxInlineBytes = 64 << 10
  private static let contentBit: UInt8 = 0x80

  /// An upper estimate of the encoded size.
  public var encodedSizeEstimate: Int {
    64 + key.count + value.count + (content?.count ?? 0) + version.vector.dots.count * 18
  }

  func encode(into writer: inout ByteWriter) {
    writer.uint8(flags.rawValue | (content == nil ? 0 : Self.contentBit))
    writer.varint(sequence)
    writer.byteString(key)
    writer.version(version)
    writer.byteString(value)
    if let content { writer.byteString(content) }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    let bits = try reader.uint8()
    flags = Flags(rawValue: bits & ~Self.contentBit)
    guard flags.isSubset(of: .known) else { throw .invalid(what: "change flags") }
    sequence = try reader.varint()
    key = try reader.byteString(limit: Bounds.maxKeyBytes, "key")
    guard !key.isEmpty else { throw .invalid(what: "empty key") }
    version = try reader.version()
    value = try reader.byteString(limit: Bounds.maxValueBytes, "value")
    content = bits & Self.contentBit == 0 ? nil : try reader.byteString(limit: Self.maxInlineBytes, "inline content")
  }
}
