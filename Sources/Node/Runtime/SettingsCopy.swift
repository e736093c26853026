internal import Glibc
internal import SoftadastraCore
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync

/// The node's settings and group records once more, beside the log: of them there is no other copy, or none that can be
/// asked for without them. Who lost its group's key or its list of members can talk to nobody.
///
/// | field    | form                                                                                          |
/// | -------- | --------------------------------------------------------------------------------------------- |
/// | magic    | `SADACPY1`                                                                                    |
/// | sequence | u64: the store's last one that it knows of                                                    |
/// | entries  | count varint; each: sequence u64, key byte string, state u8 (bit 0: deleted, bit 1: version), |
/// |          | flags u8, tag u64, version if bit 1, value byte string                                        |
/// | checksum | XXH3-64 of everything before                                                                  |
///
/// Read only when the log was found damaged. Left out is what must not come back: how far members were, which is read from
/// their feeds anew, and the way from one group into another.
struct SettingsCopy: Sendable {
  static let magic: UInt64 = 0x3159_5043_4144_4153  // "SADACPY1"
  private static let maxBytes = 64 << 20
  private static let maxEntries = 1 << 20
  private static let dueLimit = 256
  private static let namespaces = [Namespace.setting, Namespace.group]
  private static let excluded = [WatermarkRecord.allPrefix, StoreKey.setting(GroupChange.prefix)]

  var sequence: UInt64
  var entries: [Entry]

  /// What the store holds now.
  init(of store: Store) throws(SoftadastraError) {
    sequence = store.lastSequence
    entries = []
    for namespace in Self.namespaces {
      for key in Self.keys(namespace, in: store) {
        if let entry = try store.get(key) { entries.append(entry) }
      }
    }
  }

  private static func keys(_ namespace: UInt8, in store: Store) -> [[UInt8]] {
    store.list(prefix: [namespace], limit: maxEntries, includeDeleted: true).map(\.key).filter(belongs)
  }

  private static func belongs(_ key: [UInt8]) -> Bool { !excluded.contains { key.starts(with: $0) } }

  /// Whether something that belongs into the copy changed since.
  static func isDue(since sequence: UInt64, in store: Store) -> Bool {
    namespaces.contains { namespace in
      let page = store.changes(prefix: [namespace], since: sequence, limit: dueLimit)
      return page.isTruncated || page.entries.contains { belongs($0.key) }
    }
  }

  // MARK: After damage

  /// What the store has lost, or has only as it was before: put back, as it was. A setting that was erased since stays so.
  func restoration(of store: Store) throws(SoftadastraError) -> [Mutation] {
    var mutations: [Mutation] = []
    for entry in entries where Self.belongs(entry.key) {
      if let known = store.summary(entry.key), known.sequence >= entry.sequence { continue }
      mutations.append(
        entry.isDeleted
          ? .delete(key: entry.key, value: entry.value, version: entry.version, tag: entry.tag, flags: entry.flags)
          : .put(key: entry.key, value: entry.value, version: entry.version, tag: entry.tag, flags: entry.flags))
    }
    let copied = Set(entries.map(\.key))
    for key in Self.keys(Namespace.setting, in: store) where !copied.contains(key) {
      guard let known = store.summary(key), known.sequence <= sequence else { continue }
      mutations.append(.erase(key: key))
    }
    return mutations
  }

  // MARK: The file

  /// Nil if there is none, or none that is whole.
  static func read(_ path: String) -> SettingsCopy? {
    guard let bytes = PlainFile.read(path, limit: maxBytes) else { return nil }
    return try? SettingsCopy(decoding: bytes)
  }

  func write(to path: String) throws(SoftadastraError) { try PlainFile.replace(path, with: encoded()) }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.uint64(Self.magic)
    writer.uint64(sequence)
    writer.varint(entries.count)
    for entry in entries {
      writer.uint64(entry.sequence)
      writer.byteString(entry.key)
      writer.uint8((entry.isDeleted ? 1 : 0) | (entry.version == nil ? 0 : 2))
      writer.uint8(entry.flags)
      writer.uint64(entry.tag)
      if let version = entry.version { writer.version(version) }
      writer.byteString(entry.value)
    }
    writer.uint64(Checksum.xxh3(writer.bytes))
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      guard bytes.count >= 8, try reader.uint64() == Self.magic else { throw .invalid(what: "settings copy") }
      let sum = bytes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard sum == Checksum.xxh3(Array(bytes.dropLast(8))) else { throw .invalid(what: "settings copy") }
      let sequence = try reader.uint64()
      var entries: [Entry] = []
      for _ in 0..<(try reader.count(limit: Self.maxEntries, "settings")) {
        let number = try reader.uint64()
        let key = try reader.byteString(limit: Bounds.maxKeyBytes, "key")
        let state = try reader.uint8()
        let flags = try reader.uint8()
        let tag = try reader.uint64()
        let version = state & 2 != 0 ? try reader.version() : nil
        let value = try reader.byteString(limit: Bounds.maxValueBytes, "value")
        entries.append(
          Entry(
            key: key, value: value, version: version, isDeleted: state & 1 != 0, sequence: number, tag: tag,
            flags: flags))
      }
      _ = try reader.uint64()
      return SettingsCopy(sequence: sequence, entries: entries)
    }
  }

  private init(sequence: UInt64, entries: [Entry]) {
    self.sequence = sequence
    self.entries = entries
  }
}

/// Small files of a home: read whole, replaced whole.
enum PlainFile {
  /// Nil if it cannot be read, or is larger than the limit.
  static func read(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size <= limit else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      guard got > 0 else { return nil }
      count += got
    }
    return bytes
  }

  /// Complete and durable, or as it was: a new name first, then a rename.
  static func replace(_ path: String, with bytes: [UInt8]) throws(SoftadastraError) {
    let temporary = path + ".new"
    let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SoftadastraError.system(errno, "create", at: temporary) }
    defer { close(descriptor) }
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + count, $0.count - count) }
      guard got > 0 else { throw SoftadastraError.system(errno, "write", at: temporary) }
      count += got
    }
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
      throw SoftadastraError.system(errno, "write", at: path)
    }
  }
}
