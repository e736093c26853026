internal import CXXHash

/// XXH3-128 of some content under the group's secret.
public struct ContentHash: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public var description: String { hex(high) + hex(low) }
  public static func < (a: ContentHash, b: ContentHash) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// Hashes content with the secret of one group.
///
/// The secret keeps people outside the group from crafting files that collide. It is no cryptographic hash: a
/// member of the group could. Integrity on the way comes from TLS. Cost: 18 to 33 GB/s a core; below 240 bytes
/// the short forms of XXH3 apply.
public final class ContentHasher: Sendable {
  public static let secretBytes = 32
  /// XXH3 wants at least 136 bytes of good entropy; 192 is its own default size.
  private let expanded: [UInt8]

  /// - Parameter secret: the group's `secretBytes` random bytes.
  public init(secret: [UInt8]) {
    precondition(secret.count == Self.secretBytes, "the group secret has \(Self.secretBytes) bytes")
    var out = [UInt8](repeating: 0, count: 192)
    secret.withUnsafeBytes { source in
      out.withUnsafeMutableBytes {
        softadastra_xxh3_secret($0.baseAddress!, $0.count, source.baseAddress!, source.count)
      }
    }
    expanded = out
  }

  public func hash(_ bytes: UnsafeRawBufferPointer) -> ContentHash {
    expanded.withUnsafeBytes { secret in
      let digest = softadastra_xxh3_128(bytes.baseAddress, bytes.count, secret.baseAddress!, secret.count)
      return ContentHash(high: digest.high, low: digest.low)
    }
  }

  public func hash(_ bytes: [UInt8]) -> ContentHash { bytes.withUnsafeBytes { hash($0) } }
}

/// Unkeyed XXH3-64, for the checksums of our own formats and for fingerprints.
public enum Checksum {
  public static func xxh3(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    softadastra_xxh3_64(bytes.baseAddress, bytes.count, seed)
  }

  public static func xxh3(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { xxh3($0, seed: seed) }
  }
}
