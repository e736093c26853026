internal import Glibc
internal import SoftadastraCore

/// Bytes as a key: hashed and compared as a whole, where an array does so byte by byte.
public struct ByteString: Hashable, Sendable {
  public let bytes: [UInt8]
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

  public static func == (a: ByteString, b: ByteString) -> Bool {
    a.bytes.count == b.bytes.count
      && a.bytes.withUnsafeBytes { a in
        b.bytes.withUnsafeBytes { b in a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 }
      }
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(Checksum.xxh3(bytes)) }
}
