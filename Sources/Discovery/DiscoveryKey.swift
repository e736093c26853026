internal import Crypto

/// The two working keys of one discovery key, and how discovery keys come about.
///
/// The group's discovery key is 32 random bytes that its members share; it is rotated when a member is revoked. An open
/// invite has a key of its own, so that a joiner, who is in no group yet, and the inviter can find each other.
public struct DiscoveryKey: Sendable {
  public static let byteCount = 32

  let bytes: [UInt8]
  /// Proves, with four bytes and before anything is decrypted, that a packet was made with this key.
  let check: SymmetricKey
  let seal: SymmetricKey

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let key = SymmetricKey(data: bytes)
    check = Self.derive(key, "softadastra discovery check")
    seal = Self.derive(key, "softadastra discovery seal")
  }

  /// The discovery key of an open invite, from its secret.
  public static func forInvite(secret: [UInt8]) -> [UInt8] {
    derive(SymmetricKey(data: secret), "softadastra discovery invite").withUnsafeBytes { Array($0) }
  }

  private static func derive(_ key: SymmetricKey, _ purpose: String) -> SymmetricKey {
    SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8), using: key))
  }
}
