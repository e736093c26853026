internal import Crypto
public import SoftadastraCore

// | field   | form | meaning                                                                    |
// | ------- | ---- | -------------------------------------------------------------------------- |
// | magic   | 4    | `SFDP`                                                                     |
// | version | u8   | 1                                                                          |
// | kind    | u8   | 1 announce, 2 probe, 3 bye                                                 |
// | salt    | 12   | random; also the nonce of the sealed part                                  |
// | check   | 4    | the first bytes of HMAC-SHA256 over kind and salt, with the key's check key |
// | sealed  | 58   | ChaCha20-Poly1305 of the rest; everything above is authenticated with it   |
//
// | sealed field | form | meaning                                                |
// | ------------ | ---- | ------------------------------------------------------ |
// | node ID      | 32   |                                                        |
// | listen port  | u16  | of the node's TCP socket, 0: does not listen           |
// | start nonce  | u64  | random, drawn at each start                            |

/// One datagram of discovery. Without the key it shows that some node of this program is there, and nothing else.
public struct DiscoveryPacket: Hashable, Sendable {
  public enum Kind: UInt8, Sendable {
    case announce = 1
    /// Asks everyone to announce.
    case probe = 2
    /// The sender stops.
    case bye = 3
  }

  /// Larger datagrams are ignored; those of this version have 80 bytes.
  public static let maxBytes = 512
  static let magic = Array("SFDP".utf8)
  static let version: UInt8 = 1
  static let saltBytes = 12
  static let checkBytes = 4
  static let tagBytes = 16
  static let plainBytes = NodeID.byteCount + 2 + 8
  static let headerBytes = 4 + 1 + 1 + saltBytes + checkBytes
  static let bytes = headerBytes + plainBytes + tagBytes

  public var kind: Kind
  public var nodeID: NodeID
  public var listenPort: UInt16
  public var startNonce: UInt64

  public init(kind: Kind, nodeID: NodeID, listenPort: UInt16, startNonce: UInt64) {
    self.kind = kind
    self.nodeID = nodeID
    self.listenPort = listenPort
    self.startNonce = startNonce
  }

  /// The datagram; nil only when the library refuses the key, which it does not for 32 bytes.
  func sealed(with key: DiscoveryKey, random: any RandomSource) -> [UInt8]? {
    let salt = random.bytes(Self.saltBytes)
    var writer = ByteWriter(capacity: Self.bytes)
    writer.raw(Self.magic)
    writer.uint8(Self.version)
    writer.uint8(kind.rawValue)
    writer.raw(salt)
    writer.raw(Self.check(kind.rawValue, salt, key))
    var plain = ByteWriter(capacity: Self.plainBytes)
    plain.raw(nodeID.bytes)
    plain.uint16(listenPort)
    plain.uint64(startNonce)
    guard let nonce = try? ChaChaPoly.Nonce(data: salt),
      let box = try? ChaChaPoly.seal(plain.bytes, using: key.seal, nonce: nonce, authenticating: writer.bytes)
    else { return nil }
    writer.raw(box.ciphertext)
    writer.raw(box.tag)
    return writer.bytes
  }

  /// What was opened, the index of the key that fitted, and the salt; nil for anything that none of the keys made.
  /// Costs one HMAC a key, and one decryption for the key whose check value fits.
  static func open(_ bytes: [UInt8], with keys: [DiscoveryKey]) -> (packet: DiscoveryPacket, key: Int, salt: [UInt8])? {
    guard bytes.count == Self.bytes, bytes.starts(with: magic), bytes[4] == version, let kind = Kind(rawValue: bytes[5])
    else { return nil }
    let salt = Array(bytes[6..<6 + saltBytes])
    let check = bytes[(6 + saltBytes)..<headerBytes]
    for (index, key) in keys.enumerated() where Self.check(kind.rawValue, salt, key).elementsEqual(check) {
      let sealed = bytes[headerBytes...]
      guard let nonce = try? ChaChaPoly.Nonce(data: salt),
        let box = try? ChaChaPoly.SealedBox(
          nonce: nonce, ciphertext: sealed.dropLast(tagBytes), tag: sealed.suffix(tagBytes)),
        let plain = try? ChaChaPoly.open(box, using: key.seal, authenticating: bytes[..<headerBytes]),
        let packet = try? Self.read(Array(plain), kind)
      else { continue }
      return (packet, index, salt)
    }
    return nil
  }

  private static func read(_ plain: [UInt8], _ kind: Kind) throws(CodingError) -> DiscoveryPacket {
    try decode(plain) { reader throws(CodingError) in
      guard let nodeID = NodeID(bytes: try reader.raw(NodeID.byteCount)) else { throw .invalid(what: "node ID") }
      return DiscoveryPacket(
        kind: kind, nodeID: nodeID, listenPort: try reader.uint16(), startNonce: try reader.uint64())
    }
  }

  private static func check(_ kind: UInt8, _ salt: [UInt8], _ key: DiscoveryKey) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: [kind] + salt, using: key.check).prefix(checkBytes))
  }
}
