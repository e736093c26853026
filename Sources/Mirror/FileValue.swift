public import SoftadastraCore

/// What a file entry holds: everything about a path but its name and version.
public struct FileValue: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case file(size: UInt64, modifiedNanoseconds: Int64, Manifest)
    /// Directories carry their mode, not their mtime.
    case directory
    case symlink(target: [UInt8], modifiedNanoseconds: Int64)
  }

  public static let maxTargetBytes = 4096
  /// Of a directory without an entry of its own, that exists for what is below it. Any other mode is somebody's edit.
  public static let implicitDirectoryPermissions: UInt16 = 0o755

  public var kind: Kind
  /// rwx bits only; symlinks have none.
  public var permissions: UInt16

  public init(kind: Kind, permissions: UInt16) {
    self.kind = kind
    self.permissions = permissions
  }

  public var isDirectory: Bool { kind == .directory }
  public var size: UInt64 { if case .file(let size, _, _) = kind { size } else { 0 } }

  /// 0 for directories.
  public var modifiedNanoseconds: Int64 {
    switch kind {
    case .file(_, let modified, _), .symlink(_, let modified): modified
    case .directory: 0
    }
  }

  public var manifest: Manifest? { if case .file(_, _, let manifest) = kind { manifest } else { nil } }

  /// Same kind and bytes; mode and times may differ. No conflict arises between such values.
  public func hasSameContent(as other: FileValue) -> Bool {
    switch (kind, other.kind) {
    case (.file(let size, _, let manifest), .file(let otherSize, _, let otherManifest)):
      size == otherSize && manifest.chunks == otherManifest.chunks
    case (.directory, .directory): true
    case (.symlink(let target, _), .symlink(let other, _)): target == other
    default: false
    }
  }

  /// One hash over the content, for names of conflict copies.
  public var contentDigest: UInt64 {
    var writer = ByteWriter()
    switch kind {
    case .file(_, _, let manifest): for chunk in manifest.chunks { writer.chunk(chunk) }
    case .directory: writer.uint8(1)
    case .symlink(let target, _): writer.raw(target)
    }
    return Checksum.xxh3(writer.bytes)
  }
}

// Byte layout of a value (version 1):
//
// | field       | form                                                                       |
// | ----------- | -------------------------------------------------------------------------- |
// | format      | u8 = 1                                                                     |
// | kind        | u8: 1 file, 2 directory, 3 symlink                                         |
// | permissions | u16                                                                        |
// | file        | size varint, mtime i64 ns, manifest, bool, [base dot, manifest delta]      |
// | symlink     | mtime i64 ns, target byte string, 1 ... 4,096                              |
//
// On the wire with the `delta` flag the file's manifest is left out, and base dot and delta are required.

/// A value as the store keeps it: with the difference to the version it was made from, for peers that hold that one.
public struct StoredFileValue: Sendable, Hashable {
  public struct Delta: Sendable, Hashable {
    public var base: Dot
    public var manifest: ManifestDelta
  }

  public var value: FileValue
  public var delta: Delta?

  public init(_ value: FileValue, delta: Delta? = nil) {
    self.value = value
    self.delta = delta
  }

  private static let format: UInt8 = 1
  /// Of an encoded directory; everything else is longer.
  static let directoryByteCount = 4

  public func encoded() -> [UInt8] { encode(isDelta: false) }

  /// The form for a peer that holds `delta.base`. Nil if there is no delta, or it saves nothing.
  public func encodedAsDelta() -> [UInt8]? {
    guard let delta, let manifest = value.manifest, delta.manifest.insertedChunks * 2 < manifest.chunks.count else {
      return nil
    }
    return encode(isDelta: true)
  }

  private func encode(isDelta: Bool) -> [UInt8] {
    var writer = ByteWriter(capacity: 64)
    writer.uint8(Self.format)
    switch value.kind {
    case .file(let size, let modified, let manifest):
      writer.uint8(1)
      writer.uint16(value.permissions)
      writer.varint(size)
      writer.int64(modified)
      if !isDelta {
        writer.manifest(manifest)
        writer.bool(delta != nil)
      }
      if let delta {
        writer.dot(delta.base)
        writer.manifestDelta(delta.manifest)
      }
    case .directory:
      writer.uint8(2)
      writer.uint16(value.permissions)
    case .symlink(let target, let modified):
      writer.uint8(3)
      writer.uint16(value.permissions)
      writer.int64(modified)
      writer.byteString(target)
    }
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      try Self.read(&reader) { (reader: inout ByteReader) throws(CodingError) in
        let manifest = try reader.manifest()
        let delta = try reader.bool() ? Delta(base: try reader.dot(), manifest: try reader.manifestDelta()) : nil
        return (manifest, delta)
      }
    }
  }

  /// What a file or symlink counts for in a folder's sums: the file's bytes. Nil for a directory.
  static func amount(ofEncoded value: UnsafeRawBufferPointer) -> UInt64? {
    guard value.count > directoryByteCount else { return nil }
    var reader = ByteReader(value)
    do throws(CodingError) {
      guard try reader.uint8() == format else { return nil }
      guard try reader.uint8() == 1 else { return 0 }
      _ = try reader.uint16()
      return try reader.varint()
    } catch {
      return nil
    }
  }

  /// Decodes the delta form. Nil if `base` does not give the manifest of the version named.
  public static func decodingDelta(
    _ bytes: [UInt8], base: (Dot) -> Manifest?
  ) throws(CodingError) -> StoredFileValue? {
    // A missing base is no malformed message: it is remembered and the entry asked for whole.
    var isMissing = false
    let value = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      try read(&reader) { (reader: inout ByteReader) throws(CodingError) in
        let delta = Delta(base: try reader.dot(), manifest: try reader.manifestDelta())
        guard let manifest = base(delta.base).flatMap({ delta.manifest.applied(to: $0) }) else {
          isMissing = true
          return (.empty, delta)
        }
        return (manifest, delta)
      }
    }
    if isMissing { return nil }
    guard value.value.manifest?.byteCount == value.value.size else { return nil }
    return value
  }

  private static func read(
    _ reader: inout ByteReader, manifest: (inout ByteReader) throws(CodingError) -> (Manifest, Delta?)
  ) throws(CodingError) -> StoredFileValue {
    guard try reader.uint8() == format else { throw .invalid(what: "file value format") }
    let kind = try reader.uint8()
    let permissions = try reader.uint16()
    guard permissions <= 0o777 else { throw .invalid(what: "permissions") }
    switch kind {
    case 1:
      let size = try reader.varint()
      let modified = try reader.int64()
      let (chunks, delta) = try manifest(&reader)
      return StoredFileValue(
        FileValue(kind: .file(size: size, modifiedNanoseconds: modified, chunks), permissions: permissions),
        delta: delta)
    case 2: return StoredFileValue(FileValue(kind: .directory, permissions: permissions))
    case 3:
      let modified = try reader.int64()
      let target = try reader.byteString(limit: FileValue.maxTargetBytes, "symlink target")
      guard !target.isEmpty, !target.contains(0) else { throw .invalid(what: "symlink target") }
      return StoredFileValue(
        FileValue(kind: .symlink(target: target, modifiedNanoseconds: modified), permissions: permissions))
    default: throw .invalid(what: "file kind")
    }
  }
}
