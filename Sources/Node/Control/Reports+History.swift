internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraSync

/// One element of `conflicts --json`.
public struct ConflictReport: Codable, Sendable, Equatable {
  /// `file`, or `value` for two values put under one key at the same time.
  public var kind: String
  /// The folder's name; only of files.
  public var folder: String?
  /// The file that kept the name, or the key.
  public var path: String
  public var pathBase64: String?
  /// The copy beside it, or the version of the value that lost.
  public var copy: String
  public var copyBase64: String?
  /// Who wrote the copy: a member's name, or what is known of its ID.
  public var node: String
  /// When, by the writer's clock: `2026-01-02T03:04:05Z`.
  public var time: String
}

/// One element of `versions --json`.
public struct VersionReport: Codable, Sendable, Equatable {
  public var folder: String
  public var path: String
  public var pathBase64: String?
  /// When it left the folder; what `restore --at` takes.
  public var time: String
  public var size: UInt64
  /// `replaced`, `deleted`, `conflict`, `restored`, `reverted` or `recovered`.
  public var reason: String
}

/// Bytes as a report shows them, and exactly where they are no UTF-8.
struct ShownBytes {
  let text: String
  let base64: String?

  init(_ bytes: [UInt8]) {
    let isText = String(validating: bytes, as: UTF8.self) != nil
    text = isText ? String(decoding: bytes, as: UTF8.self) : BytePath.escape(bytes)
    base64 = isText ? nil : ControlCoding.base64(bytes)
  }
}

extension ConflictReport {
  init(_ conflict: FileConflict, folder: String, node: String) {
    let path = ShownBytes(conflict.path.bytes)
    let copy = ShownBytes(conflict.copy.bytes)
    self.init(
      kind: "file", folder: folder, path: path.text, pathBase64: path.base64, copy: copy.text, copyBase64: copy.base64,
      node: node, time: UTCTime(conflict.version.stamp).iso)
  }

  init(_ lost: LostValue, node: String) {
    let key = ShownBytes(lost.key)
    self.init(
      kind: "value", folder: nil, path: key.text, pathBase64: key.base64, copy: lost.dot.description, copyBase64: nil,
      node: node, time: UTCTime(lost.stamp).iso)
  }
}

extension UTCTime {
  init(_ stamp: HybridTimestamp) { self.init(secondsSince1970: Int64(stamp.milliseconds / 1000)) }
}

/// Times as `restore --at` takes them.
public enum NodeTime {
  public static func isReadable(_ text: String) -> Bool { VersionMoment(text) != nil }
}
