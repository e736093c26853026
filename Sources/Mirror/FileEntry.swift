public import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// One path's entry in a tree, decoded: a version and, unless it is deleted, a value.
public struct FileEntry: Sendable, Hashable {
  public var version: Version
  /// Nil for a tombstone.
  public var stored: StoredFileValue?
  public var isConflictCopy: Bool
  /// What a power loss left of a version whose bytes it took.
  public var isLost: Bool

  public init(version: Version, stored: StoredFileValue?, isConflictCopy: Bool = false, isLost: Bool = false) {
    self.version = version
    self.stored = stored
    self.isConflictCopy = isConflictCopy
    self.isLost = isLost
  }

  init(version: Version, stored: StoredFileValue?, flags: Change.Flags) {
    self.init(
      version: version, stored: stored, isConflictCopy: flags.contains(.conflictCopy), isLost: flags.contains(.lost))
  }

  public var value: FileValue? { stored?.value }
  public var isDeleted: Bool { stored == nil }

  /// From the synced tree. An entry that cannot be decoded is damage in our own store.
  init(_ entry: Entry, at location: String) throws(SoftadastraError) {
    guard let version = entry.version else {
      throw SoftadastraError(.damaged, "entry", at: location, why: "it has no version", fatal: true)
    }
    let flags = Change.Flags(rawValue: entry.flags)
    do {
      self.init(
        version: version, stored: entry.isDeleted ? nil : try StoredFileValue(decoding: entry.value),
        flags: flags)
    } catch {
      throw SoftadastraError(.damaged, "entry", at: location, why: "\(error)", fatal: true)
    }
  }

  var flags: UInt8 {
    var flags: Change.Flags = isConflictCopy ? .conflictCopy : []
    if isLost { flags.insert(.lost) }
    return flags.rawValue
  }

  func mutation(key: [UInt8], tag: UInt64) -> Mutation {
    if let stored {
      .put(key: key, value: stored.encoded(), version: version, tag: tag, flags: flags)
    } else {
      .delete(key: key, value: [], version: version, tag: tag, flags: flags)
    }
  }
}

// A remote-tree record's value: u8 1 = live, 0 = deleted; u8 flags; version; then the file value if live.

extension FileEntry {
  /// As the remote tree keeps it.
  func encodedForRemoteTree() -> [UInt8] {
    var writer = ByteWriter(capacity: 128)
    writer.bool(stored != nil)
    writer.uint8(flags)
    writer.version(version)
    if let stored { writer.byteString(stored.encoded()) }
    return writer.bytes
  }

  public init(remoteTree bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      let isLive = try reader.bool()
      let flags = Change.Flags(rawValue: try reader.uint8())
      let version = try reader.version()
      let stored =
        isLive ? try StoredFileValue(decoding: try reader.byteString(limit: Bounds.maxValueBytes, "value")) : nil
      return FileEntry(version: version, stored: stored, flags: flags)
    }
  }
}
