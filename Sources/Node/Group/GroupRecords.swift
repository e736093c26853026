internal import SoftadastraCore
internal import SoftadastraTransport

// Keys of the group space, after its `g`:
//
// | key                  | value                                                                           |
// | -------------------- | ------------------------------------------------------------------------------- |
// | `m` node ID (32)     | format u8 = 1, public key bytes, name text, signer node ID (32), signature bytes  |
// | `f` folder u64be     | format u8 = 1, name text                                                        |
// | `s` replica u64be    | see `StartRecord` in Replica                                                     |

/// Who belongs to the group: a node's key, signed by the member that let it in.
struct MemberRecord: Sendable, Hashable {
  static let keyMark = UInt8(ascii: "m")
  static let maxNameBytes = 256
  static let maxKeyBytes = 512
  static let maxSignatureBytes = 256

  var publicKey: [UInt8]
  var name: String
  var signer: NodeID
  var signature: [UInt8]

  var node: NodeID { DeviceIdentity.nodeID(of: publicKey) }

  static func storeKey(_ node: NodeID) -> [UInt8] { groupKey(keyMark, node.bytes) }

  static func make(
    _ publicKey: [UInt8], name: String, in group: GroupID, by signer: DeviceIdentity
  ) throws(SoftadastraError) -> MemberRecord {
    do {
      let signature = try signer.sign(signedBytes(publicKey, group))
      return MemberRecord(publicKey: publicKey, name: name, signer: signer.nodeID, signature: signature)
    } catch {
      throw SoftadastraError(.device, "sign member record", why: "\(error)")
    }
  }

  /// - Parameter signerKey: the signer's public key, from its own record.
  func isSigned(in group: GroupID, signerKey: [UInt8]) -> Bool {
    DeviceIdentity.nodeID(of: signerKey) == signer
      && DeviceIdentity.verify(signature, of: Self.signedBytes(publicKey, group), by: signerKey)
  }

  private static func signedBytes(_ publicKey: [UInt8], _ group: GroupID) -> [UInt8] {
    var writer = ByteWriter()
    writer.text("softadastra member")
    writer.uint64(group.high)
    writer.uint64(group.low)
    writer.byteString(publicKey)
    return writer.bytes
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.byteString(publicKey)
    writer.text(name)
    writer.raw(signer.bytes)
    writer.byteString(signature)
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      try reader.expectFormat(1)
      return MemberRecord(
        publicKey: try reader.byteString(limit: Self.maxKeyBytes, "public key"),
        name: try reader.text(limit: Self.maxNameBytes, "node name"), signer: try reader.nodeID(),
        signature: try reader.byteString(limit: Self.maxSignatureBytes, "signature"))
    }
  }

  private init(publicKey: [UInt8], name: String, signer: NodeID, signature: [UInt8]) {
    self.publicKey = publicKey
    self.name = name
    self.signer = signer
    self.signature = signature
  }
}

/// A folder of the group, by its ID; its name is what people call it.
struct FolderRecord: Sendable, Hashable {
  static let keyMark = UInt8(ascii: "f")
  static let maxNameBytes = 255

  var name: String

  static func storeKey(_ folder: FolderID) -> [UInt8] {
    groupKey(keyMark, withUnsafeBytes(of: folder.rawValue.bigEndian) { Array($0) })
  }

  static func folder(ofKey key: [UInt8]) -> FolderID? {
    guard key.count == 10 else { return nil }
    return FolderID(rawValue: key[2...].reduce(0) { $0 << 8 | UInt64($1) })
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.text(name)
    return writer.bytes
  }

  init(name: String) { self.name = name }

  init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      try reader.expectFormat(1)
      let name = try reader.text(limit: Self.maxNameBytes, "folder name")
      guard !name.isEmpty else { throw .invalid(what: "folder name") }
      return FolderRecord(name: name)
    }
  }
}

private func groupKey(_ mark: UInt8, _ rest: [UInt8]) -> [UInt8] { [UInt8(ascii: "g"), mark] + rest }

extension ByteReader {
  mutating func expectFormat(_ format: UInt8) throws(CodingError) {
    guard try uint8() == format else { throw .invalid(what: "record format") }
  }

  mutating func nodeID() throws(CodingError) -> NodeID {
    guard let id = NodeID(bytes: try raw(NodeID.byteCount)) else { throw .invalid(what: "node ID") }
    return id
  }
}
