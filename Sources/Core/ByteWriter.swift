/// Appends values in the one binary form that log records, store entries and wire messages share.
///
/// Integers are little-endian at fixed width, or varints (LEB128: seven bits a byte, low bits first). Byte strings
/// are preceded by their length as a varint.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8]

  public init(capacity: Int = 64) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  public var count: Int { bytes.count }

  public mutating func uint8(_ value: UInt8) { bytes.append(value) }
  public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }
  public mutating func uint16(_ value: UInt16) { fixed(value.littleEndian) }
  public mutating func uint32(_ value: UInt32) { fixed(value.littleEndian) }
  public mutating func uint64(_ value: UInt64) { fixed(value.littleEndian) }
  public mutating func int64(_ value: Int64) { fixed(value.littleEndian) }

  public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  public mutating func varint(_ value: Int) { varint(UInt64(value)) }

  /// Without a length.
  public mutating func raw(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }
  public mutating func raw(_ value: UnsafeRawBufferPointer) { bytes.append(contentsOf: value) }

  public mutating func byteString(_ value: some Collection<UInt8>) {
    varint(value.count)
    bytes.append(contentsOf: value)
  }

  public mutating func text(_ value: String) { byteString(Array(value.utf8)) }

  /// Writes over four bytes written earlier, for lengths known only afterwards.
  public mutating func patchUInt32(_ value: UInt32, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { source in
      for (i, byte) in source.enumerated() { bytes[offset + i] = byte }
    }
  }

  private mutating func fixed<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }
}
