internal import Crypto
public import SoftadastraCore

/// Who answered: proven by the TLS handshake, but not yet trusted with anything.
public struct PeerIdentity: Hashable, Sendable {
  public let nodeID: NodeID
  /// SubjectPublicKeyInfo in DER.
  public let publicKey: [UInt8]

  /// Fails with `.untrusted` unless the bytes are a P-256 public key in DER. The key is re-encoded, so that one key
  /// has one node ID.
  public init(publicKey: [UInt8]) throws(SoftadastraError) {
    guard let key = try? P256.Signing.PublicKey(derRepresentation: publicKey) else {
      throw SoftadastraError(.untrusted, "peer's certificate", why: "its key is not on the curve P-256")
    }
    self.publicKey = Array(key.derRepresentation)
    nodeID = DeviceIdentity.nodeID(of: self.publicKey)
  }
}

/// Names one connection for the life of a `Transport`; never reused. A later one is greater.
public struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
  let rawValue: UInt64
  public static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { "#\(rawValue)" }
}
