public import SoftadastraCore

/// A part of the store that is replicated by itself: a peer subscribes to spaces, and each has its own cursor.
public enum SpaceID: Hashable, Sendable, CustomStringConvertible {
  /// The group's own records: members, folders, start records. Every member subscribes.
  case group
  /// The key-value space. Every member subscribes.
  case values
  case folder(FolderID)

  public var description: String {
    switch self {
    case .group: "group"
    case .values: "kv"
    case .folder(let id): "file/\(id)"
    }
  }
}

extension SpaceID {
  /// What every key of this space begins with in the store. See `share/doc/keys.md`.
  public var prefix: [UInt8] {
    switch self {
    case .group: [Namespace.group]
    case .values: [Namespace.values]
    case .folder(let id): [Namespace.file] + id.bigEndianBytes
    }
  }
}

extension FolderID {
  var bigEndianBytes: [UInt8] { withUnsafeBytes(of: rawValue.bigEndian) { Array($0) } }
}

extension ByteWriter {
  public mutating func space(_ value: SpaceID) {
    switch value {
    case .group: uint8(1)
    case .values: uint8(2)
    case .folder(let id):
      uint8(3)
      uint64(id.rawValue)
    }
  }
}

extension ByteReader {
  public mutating func space() throws(CodingError) -> SpaceID {
    switch try uint8() {
    case 1: return .group
    case 2: return .values
    case 3: return .folder(FolderID(rawValue: try uint64()))
    default: throw .invalid(what: "space")
    }
  }
}
