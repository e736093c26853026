internal import Glibc

/// A path relative to a folder's root, as the bytes the kernel has: names need not be UTF-8.
///
/// Names are separated by `/`; the root itself is the empty path. Ordered by bytes, so that with the separator
/// appended a directory's descendants are one range.
public struct BytePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  public static let maxBytes = 4096
  public static let maxNameBytes = 255
  /// The folder's own marker and staging area; never synchronised, refused from the wire at any depth's first name.
  public static let reservedName = Array(".softadastra".utf8)
  public static let root = BytePath(unchecked: [])

  public let bytes: [UInt8]

  /// For bytes that are known to form a path: from a directory listing, or already validated.
  public init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  public init(_ text: String) { bytes = Array(text.utf8) }

  /// Checks what came from the wire: no empty name, `.`, `..`, NUL, no name above 255 bytes, no path above 4,096,
  /// nothing below the reserved name.
  public init(validating bytes: [UInt8]) throws(CodingError) {
    guard !bytes.isEmpty else { throw .invalid(what: "empty path") }
    guard bytes.count <= Self.maxBytes else { throw .tooLarge(what: "path", limit: Self.maxBytes) }
    var first = true
    for name in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard name.count <= Self.maxNameBytes else { throw .tooLarge(what: "name", limit: Self.maxNameBytes) }
      guard !name.isEmpty, !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8), !name.contains(0) else {
        throw .invalid(what: "name in path")
      }
      if first, name.elementsEqual(Self.reservedName) { throw .invalid(what: "reserved name in path") }
      first = false
    }
    self.bytes = bytes
  }

  public var isRoot: Bool { bytes.isEmpty }
  public var isReserved: Bool {
    let name = Self.reservedName
    return bytes.starts(with: name) && (bytes.count == name.count || bytes[name.count] == UInt8(ascii: "/"))
  }

  public var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

  public var name: ArraySlice<UInt8> {
    bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes[($0 + 1)...] } ?? bytes[...]
  }

  /// The directory that holds this; the root's parent is the root.
  public var parent: BytePath {
    bytes.lastIndex(of: UInt8(ascii: "/")).map { BytePath(unchecked: Array(bytes[..<$0])) } ?? .root
  }

  public func appending(_ name: some Collection<UInt8>) -> BytePath {
    if isRoot { return BytePath(unchecked: Array(name)) }
    var joined = bytes
    joined.reserveCapacity(bytes.count + 1 + name.count)
    joined.append(UInt8(ascii: "/"))
    joined.append(contentsOf: name)
    return BytePath(unchecked: joined)
  }

  public func appending(_ name: String) -> BytePath { appending(Array(name.utf8)) }

  /// True for the directory itself and everything below it.
  public func isWithin(_ directory: BytePath) -> Bool {
    if directory.isRoot { return true }
    guard bytes.count >= directory.bytes.count, bytes.starts(with: directory.bytes) else { return false }
    return bytes.count == directory.bytes.count || bytes[directory.bytes.count] == UInt8(ascii: "/")
  }

  /// This path with the leading `from` replaced by `to`; nil unless it lies within `from`.
  public func moved(from: BytePath, to: BytePath) -> BytePath? {
    guard isWithin(from) else { return nil }
    if bytes.count == from.bytes.count { return to }
    let rest = from.isRoot ? bytes[...] : bytes[(from.bytes.count + 1)...]
    return to.appending(rest)
  }

  /// The standard library would feed an array's bytes to the hasher, and compare them, one by one.
  public func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }

  public static func == (a: BytePath, b: BytePath) -> Bool {
    a.bytes.count == b.bytes.count
      && a.bytes.withUnsafeBytes { a in
        b.bytes.withUnsafeBytes { b in a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 }
      }
  }

  public static func < (a: BytePath, b: BytePath) -> Bool {
    a.bytes.withUnsafeBytes { x in
      b.bytes.withUnsafeBytes { y in
        let count = min(x.count, y.count)
        let order = count == 0 ? 0 : memcmp(x.baseAddress!, y.baseAddress!, count)
        return order == 0 ? x.count < y.count : order < 0
      }
    }
  }

  /// For people: bytes that are no UTF-8, and control characters, appear as `\xNN`.
  public var description: String { Self.escape(bytes) }

  public static func escape(_ bytes: some Collection<UInt8>) -> String {
    // Mostly there is nothing to escape; every event of a burst comes by here.
    if let text = bytes.withContiguousStorageIfAvailable(plainText) ?? plainText(Array(bytes)) { return text }
    var out = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars where scalar == "\u{FFFD}" {
      // Only then is the slow way needed; a real U+FFFD in a name is escaped too, which is harmless.
      _ = scalar
      return escapeBytewise(Array(bytes))
    }
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if isControl(scalar) {
        for byte in String(scalar).utf8 { out += escaped(byte) }
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// Nil unless all is printable ASCII.
  private static func plainText(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private static func plainText(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBufferPointer(plainText) }

  private static func escapeBytewise(_ bytes: [UInt8]) -> String {
    var out = ""
    var index = 0
    while index < bytes.count {
      let width = sequenceWidth(bytes[index])
      let end = index + width
      if width > 0, end <= bytes.count, let text = String(validating: bytes[index..<end], as: UTF8.self),
        let scalar = text.unicodeScalars.first, !isControl(scalar)
      {
        out += text
        index = end
      } else {
        out += escaped(bytes[index])
        index += 1
      }
    }
    return out
  }

  private static func sequenceWidth(_ lead: UInt8) -> Int {
    switch lead {
    case 0..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }

  /// Also the invisible characters that turn text around or hide it.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  private static func escaped(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return "\\x" + (digits.count == 1 ? "0" : "") + digits
  }
}
