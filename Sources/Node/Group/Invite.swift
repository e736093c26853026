internal import Crypto
public import SoftadastraCore

/// An invite as people copy it from machine to machine.
public enum InviteText {
  /// Throws `.invalid` with one line if the text is no invite, or mistyped. Nothing is looked up.
  public static func check(_ text: String) throws(SoftadastraError) { _ = try Invite(text: text) }
}

/// What lets one node into the group of another: an expiring secret with the inviter's identity.
///
/// As text: `sa1-` and base32 of the fields below; a mistyped one fails its check sum.
///
/// | field     | form                                    |
/// | --------- | --------------------------------------- |
/// | inviter   | node ID, 32 bytes                       |
/// | secret    | 16 bytes                                |
/// | expires   | u64, seconds since 1970                 |
/// | addresses | count varint (<= 8), text each          |
/// | check     | u32, low half of XXH3-64 of the above   |
struct Invite: Sendable, Hashable {
  static let textPrefix = "sa1-"
  static let secretBytes = 16
  static let maxAddresses = 8

  var inviter: NodeID
  var secret: [UInt8]
  var expires: UInt64
  var addresses: [String]

  /// Names the invite without giving it away.
  var id: [UInt8] { Array(SHA256.hash(data: Array("softadastra invite".utf8) + secret).prefix(16)) }

  var text: String {
    var writer = ByteWriter()
    writer.raw(inviter.bytes)
    writer.raw(secret)
    writer.uint64(expires)
    writer.varint(addresses.count)
    for address in addresses { writer.text(address) }
    writer.uint32(UInt32(truncatingIfNeeded: Checksum.xxh3(writer.bytes)))
    return Self.textPrefix + Base32.encode(writer.bytes)
  }

  init(inviter: NodeID, secret: [UInt8], expires: UInt64, addresses: [String]) {
    self.inviter = inviter
    self.secret = secret
    self.expires = expires
    self.addresses = addresses
  }

  /// - Throws: `.invalid` with one line that says what is wrong with the text.
  init(text: String) throws(SoftadastraError) {
    let refused = { (why: String) in
      SoftadastraError(
        .invalid, "invite", why: why,
        hint: "copy it whole from the other machine, or make a new one with: softadastra invite")
    }
    guard text.hasPrefix(Self.textPrefix), let bytes = Base32.decode(text.dropFirst(Self.textPrefix.count)) else {
      throw refused("it is not an invite, or it is mistyped")
    }
    guard bytes.count > 60, bytes.count < 2048,
      let check = try? decode(Array(bytes.suffix(4)), { (r: inout ByteReader) throws(CodingError) in try r.uint32() }),
      check == UInt32(truncatingIfNeeded: Checksum.xxh3(Array(bytes.dropLast(4))))
    else { throw refused("it is mistyped or incomplete") }
    do {
      self = try decode(Array(bytes.dropLast(4))) { (reader: inout ByteReader) throws(CodingError) in
        let inviter = try reader.nodeID()
        let secret = Array(try reader.raw(Self.secretBytes))
        let expires = try reader.uint64()
        let count = try reader.count(limit: Self.maxAddresses, "addresses")
        var addresses: [String] = []
        for _ in 0..<count { addresses.append(try reader.text(limit: 300, "address")) }
        return Invite(inviter: inviter, secret: secret, expires: expires, addresses: addresses)
      }
    } catch {
      throw refused("it cannot be understood: \(error)")
    }
  }

  /// Proof of the secret over both keys, both nonces and the role.
  func proof(role: String, joinerKey: [UInt8], inviterKey: [UInt8], joinerNonce: UInt64, inviterNonce: UInt64)
    -> [UInt8]
  {
    var writer = ByteWriter()
    writer.text(role)
    writer.byteString(joinerKey)
    writer.byteString(inviterKey)
    writer.uint64(joinerNonce)
    writer.uint64(inviterNonce)
    return Array(HMAC<SHA256>.authenticationCode(for: writer.bytes, using: SymmetricKey(data: secret)))
  }
}

/// An invite that this node gave out: how often it may still be used, and who used it.
struct OpenInvite: Sendable, Hashable {
  static let maxRedeemers = 1024

  var invite: Invite
  var uses: Int
  var redeemers: [NodeID]

  /// The same joiner may come again: a reply may have been lost.
  func allows(_ node: NodeID, now: UInt64) -> SoftadastraError? {
    if redeemers.contains(node) { return nil }
    let hint = "make a new one with: softadastra invite"
    if now > invite.expires { return SoftadastraError(.untrusted, "invite", why: "it has expired", hint: hint) }
    if redeemers.count >= uses { return SoftadastraError(.untrusted, "invite", why: "it was used already", hint: hint) }
    return nil
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.text(invite.text)
    writer.varint(uses)
    writer.varint(redeemers.count)
    for node in redeemers { writer.raw(node.bytes) }
    return writer.bytes
  }

  init(invite: Invite, uses: Int) {
    self.invite = invite
    self.uses = uses
    redeemers = []
  }

  init?(decoding bytes: [UInt8]) {
    let fields = try? decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      try reader.expectFormat(1)
      let text = try reader.text(limit: 4096, "invite")
      let uses = try reader.count(limit: Self.maxRedeemers, "uses")
      let count = try reader.count(limit: Self.maxRedeemers, "redeemers")
      var nodes: [NodeID] = []
      for _ in 0..<count { nodes.append(try reader.nodeID()) }
      return (text, uses, nodes)
    }
    guard let (text, uses, nodes) = fields, let invite = try? Invite(text: text) else { return nil }
    self.invite = invite
    self.uses = uses
    redeemers = nodes
  }
}
