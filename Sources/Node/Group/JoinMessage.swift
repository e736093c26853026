internal import SoftadastraCore
internal import SoftadastraSync

/// Pairing, the only thing that a node which is no member may say. Frame kinds 0x40 to 0x45.
///
/// ```
/// joiner                                   inviter
///   request(invite ID, nonce)        →
///                                    ←     challenge(nonce)
///   proof(HMAC "joiner", name)       →                          redemption is durable before the answer
///                                    ←     accepted(HMAC "inviter", group, group records)
/// ```
///
/// | kind | payload                                                                    |
/// | ---- | -------------------------------------------------------------------------- |
/// | 0x40 | invite ID 16 bytes, nonce u64                                              |
/// | 0x41 | nonce u64                                                                  |
/// | 0x42 | HMAC 32 bytes, name text                                                   |
/// | 0x43 | HMAC 32 bytes, group state, then a `supplement` of the group space         |
/// | 0x44 | refused: error code text, why text, hint text                              |
/// | 0x45 | introduction: the sender's member record, signed by a member               |
///
/// An introduction needs no answer: a home that was copied has a new key, and shows that the old one let it in.
enum JoinMessage: Sendable {
  case request(invite: [UInt8], nonce: UInt64)
  case challenge(nonce: UInt64)
  case proof([UInt8], name: String)
  case accepted([UInt8], GroupState, records: [UInt8])
  case refused(SoftadastraError)
  case introduction(MemberRecord)

  static let kinds: ClosedRange<UInt8> = 0x40...0x45
  private static let maxRecordsBytes = 4 << 20

  var kind: UInt8 {
    switch self {
    case .request: 0x40
    case .challenge: 0x41
    case .proof: 0x42
    case .accepted: 0x43
    case .refused: 0x44
    case .introduction: 0x45
    }
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .request(let invite, let nonce):
      writer.raw(invite)
      writer.uint64(nonce)
    case .challenge(let nonce): writer.uint64(nonce)
    case .proof(let hmac, let name):
      writer.raw(hmac)
      writer.text(name)
    case .accepted(let hmac, let group, let records):
      writer.raw(hmac)
      group.encode(into: &writer)
      writer.byteString(records)
    case .refused(let error):
      writer.text(error.code.rawValue)
      writer.text(error.why)
      writer.text(error.hint)
    case .introduction(let record): writer.raw(record.encoded())
    }
    return writer.bytes
  }

  init(kind: UInt8, _ bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      switch kind {
      case 0x40: return .request(invite: Array(try reader.raw(16)), nonce: try reader.uint64())
      case 0x41: return .challenge(nonce: try reader.uint64())
      case 0x42:
        return .proof(
          Array(try reader.raw(32)), name: try reader.text(limit: MemberRecord.maxNameBytes, "node name"))
      case 0x43:
        let hmac = Array(try reader.raw(32))
        let group = try GroupState(from: &reader)
        return .accepted(hmac, group, records: try reader.byteString(limit: Self.maxRecordsBytes, "group records"))
      case 0x44:
        let code = try reader.text(limit: 64, "error code")
        let why = try reader.text(limit: Bounds.maxTextBytes, "reason")
        let hint = try reader.text(limit: Bounds.maxTextBytes, "hint")
        return .refused(
          SoftadastraError(SoftadastraError.Code(rawValue: code) ?? .untrusted, "join", why: why, hint: hint))
      case 0x45: return .introduction(try MemberRecord(decoding: Array(try reader.raw(reader.remaining))))
      default: throw .invalid(what: "join message")
      }
    }
  }
}
