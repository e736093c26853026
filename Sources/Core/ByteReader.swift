/// Why bytes could not be decoded. The bytes come from a disk or a peer: decoding never traps.
public enum CodingError: Error, Hashable, Sendable {
  case truncated
  case overflow
  /// A length or count lies above its limit.
  case tooLarge(what: String, limit: Int)
  case invalid(what: String)
  case trailingBytes(Int)
}

/// Reads what `ByteWriter` writes, checking every length before use.
///
/// It borrows its buffer: use it inside the closure that lends the bytes, and copy out what must live longer.
public struct ByteReader {
  private let buffer: UnsafeRawBufferPointer
  public private(set) var offset: Int

  public init(_ buffer: UnsafeRawBufferPointer) {
    self.buffer = buffer
    offset = 0
  }

  public var remaining: Int { buffer.count - offset }
  public var isAtEnd: Bool { offset == buffer.count }

  public func expectEnd() throws(CodingError) {
    if !isAtEnd { throw .trailingBytes(remaining) }
  }

  /// The next `count` bytes, in place.
  public mutating func raw(_ count: Int) throws(CodingError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw .truncated }
    let slice = UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
    offset += count
    return slice
  }

  public mutating func uint8() throws(CodingError) -> UInt8 {
    guard offset < buffer.count else { throw .truncated }
    defer { offset += 1 }
    return buffer[offset]
  }

  public mutating func bool() throws(CodingError) -> Bool {
    switch try uint8() {
    case 0: return false
    case 1: return true
    default: throw .invalid(what: "boolean")
    }
  }

  public mutating func uint16() throws(CodingError) -> UInt16 { UInt16(littleEndian: try fixed()) }
  public mutating func uint32() throws(CodingError) -> UInt32 { UInt32(littleEndian: try fixed()) }
  public mutating func uint64() throws(CodingError) -> UInt64 { UInt64(littleEndian: try fixed()) }
  public mutating func int64() throws(CodingError) -> Int64 { Int64(littleEndian: try fixed()) }

  public mutating func varint() throws(CodingError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try uint8()
      if shift == 63, byte > 1 { throw .overflow }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
      if shift > 63 { throw .overflow }
    }
  }

  /// A varint that is a length or a count: at most `limit`.
  public mutating func count(limit: Int, _ what: String) throws(CodingError) -> Int {
    let value = try varint()
    guard value <= UInt64(limit) else { throw .tooLarge(what: what, limit: limit) }
    return Int(value)
  }

  public mutating func byteString(limit: Int, _ what: String) throws(CodingError) -> [UInt8] {
    Array(try raw(try count(limit: limit, what)))
  }

  /// UTF-8; malformed bytes are refused.
  public mutating func text(limit: Int, _ what: String) throws(CodingError) -> String {
    let bytes = try raw(try count(limit: limit, what))
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalid(what: what) }
    return text
  }

  private mutating func fixed<T: FixedWidthInteger>() throws(CodingError) -> T {
    try raw(MemoryLayout<T>.size).loadUnaligned(as: T.self)
  }
}

/// Decodes a whole array and refuses bytes left over.
public func decode<T>(_ bytes: [UInt8], _ body: (inout ByteReader) throws(CodingError) -> T) throws(CodingError) -> T {
  let result = bytes.withUnsafeBytes { buffer -> Result<T, CodingError> in
    var reader = ByteReader(buffer)
    do throws(CodingError) {
      let value = try body(&reader)
      try reader.expectEnd()
      return .success(value)
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}
