public import SoftadastraCore

// | field        | form                                             |
// | ------------ | ------------------------------------------------ |
// | form         | u8, 1                                            |
// | node ID      | 32                                               |
// | name         | text <= 128                                      |
// | system       | text <= 128                                      |
// | kernel       | text <= 128                                      |
// | architecture | text <= 128                                      |
// | hostname     | text <= 128                                      |
// | version      | text <= 128                                      |
// | started at   | i64, milliseconds since 1970                     |
// | capabilities | count varint <= 32, then texts <= 32, ascending  |

extension NodeMetadata {
  static let form: UInt8 = 1

  /// At most 1,900 bytes.
  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 256)
    write(to: &writer)
    return writer.bytes
  }

  public func write(to writer: inout ByteWriter) {
    writer.uint8(Self.form)
    writer.raw(nodeID.bytes)
    for text in [name, platform.system, platform.kernel, platform.architecture, platform.hostname, version] {
      writer.text(text)
    }
    writer.int64(startedAt)
    writer.varint(capabilities.count)
    for capability in capabilities.sorted() { writer.text(capability) }
  }

  /// Refuses bytes left over.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { reader throws(CodingError) in try NodeMetadata(from: &reader) }
  }

  public init(from reader: inout ByteReader) throws(CodingError) {
    guard try reader.uint8() == Self.form else { throw .invalid(what: "form of metadata") }
    guard let nodeID = NodeID(bytes: try reader.raw(NodeID.byteCount)) else { throw .invalid(what: "node ID") }
    let name = try reader.text(limit: Self.maxTextBytes, "node name")
    let platform = PlatformInfo(
      system: try reader.text(limit: Self.maxTextBytes, "system"),
      kernel: try reader.text(limit: Self.maxTextBytes, "kernel"),
      architecture: try reader.text(limit: Self.maxTextBytes, "architecture"),
      hostname: try reader.text(limit: Self.maxTextBytes, "hostname"))
    let version = try reader.text(limit: Self.maxTextBytes, "version")
    let startedAt = try reader.int64()
    var capabilities: Set<String> = []
    var last: String?
    for _ in 0..<(try reader.count(limit: Capability.maxCount, "capabilities")) {
      let capability = try reader.text(limit: Capability.maxNameBytes, "capability")
      guard Capability.isValid(capability), last.map({ $0 < capability }) ?? true else {
        throw .invalid(what: "capability")
      }
      last = capability
      capabilities.insert(capability)
    }
    self.init(
      nodeID: nodeID, name: name, platform: platform, version: version, capabilities: capabilities, startedAt: startedAt
    )
  }
}
