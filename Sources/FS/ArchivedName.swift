public import SoftadastraCore

/// Why something lies in the versions archive.
public enum VersionReason: String, Sendable, Hashable, CaseIterable {
  /// A peer's newer version took its place.
  case replaced
  /// A peer deleted it.
  case deleted
  /// It lost a conflict that a person resolved.
  case conflict
  /// An earlier version was put in its place.
  case restored
  /// A local change of a receive-only folder that was dropped.
  case reverted
  /// It lay in the staging area after a crash.
  case recovered
}

/// The name of one version in the archive: `report.tar.gz` becomes `report.tar~20260101-120000-123-replaced.gz`.
///
/// | part   | form                                                                                |
/// | ------ | ----------------------------------------------------------------------------------- |
/// | stem   | the name without its extension, shortened so that the whole fits                    |
/// | `~`    |                                                                                     |
/// | time   | `YYYYMMDD-HHMMSS-mmm` in UTC, to the millisecond: when it left the folder           |
/// | reason | `-` and a `VersionReason`                                                           |
/// | rest   | the extension with its dot; a leading dot is none, nor is what is above 32 bytes    |
///
/// The name alone is the record: it survives being looked at, moved and copied with any other tool.
public struct ArchivedName: Sendable, Hashable {
  private static let maxExtensionBytes = 32

  public let time: UTCTime
  /// 0 to 999.
  public let millisecond: Int
  public let reason: VersionReason

  public init(millisecondsSince1970: Int64, reason: VersionReason) {
    let second = millisecondsSince1970 >= 0 ? millisecondsSince1970 / 1000 : (millisecondsSince1970 - 999) / 1000
    self.init(
      time: UTCTime(secondsSince1970: second), millisecond: Int(millisecondsSince1970 - second * 1000), reason: reason)
  }

  public init(time: UTCTime, millisecond: Int = 0, reason: VersionReason) {
    self.time = time
    self.millisecond = millisecond
    self.reason = reason
  }

  /// `000` to `999`.
  var fraction: String { String(String(1000 + millisecond).dropFirst()) }

  private var mark: [UInt8] { Array("~\(time.compact)-\(fraction)-\(reason.rawValue)".utf8) }

  private static let dash = UInt8(ascii: "-")
  private static let stampBytes = 15
  private static let fractionBytes = 3

  /// The archived form of `name`.
  public func applied(to name: some BidirectionalCollection<UInt8>) -> [UInt8] {
    let name = Array(name)
    let dot = name.lastIndex(of: UInt8(ascii: "."))
      .flatMap { $0 > 0 && name.count - $0 <= Self.maxExtensionBytes ? $0 : nil }
    let stem = name[..<(dot ?? name.count)]
    let rest = name[(dot ?? name.count)...]
    return Array(stem.prefix(BytePath.maxNameBytes - mark.count - rest.count)) + mark + rest
  }

  /// Reads an archived name. Nil for what the archive did not make.
  public init?(parsing archived: some BidirectionalCollection<UInt8>) {
    let bytes = Array(archived)
    for at in bytes.indices.reversed() where bytes[at] == UInt8(ascii: "~") {
      // Up to the extension's dot, which nothing of the mark can hold.
      let words = bytes[(at + 1)...].prefix { $0 != UInt8(ascii: ".") }
        .split(separator: Self.dash, omittingEmptySubsequences: false)
      guard words.count == 4, words[0].count + 1 + words[1].count == Self.stampBytes,
        words[2].count == Self.fractionBytes,
        let time = UTCTime(compact: String(decoding: bytes[(at + 1)..<words[1].endIndex], as: UTF8.self)),
        words[2].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
        let millisecond = Int(String(decoding: words[2], as: UTF8.self)),
        let reason = VersionReason(rawValue: String(decoding: words[3], as: UTF8.self))
      else { continue }
      self.init(time: time, millisecond: millisecond, reason: reason)
      return
    }
    return nil
  }

  /// The name it had in the folder, as far as it was not shortened.
  public static func original(of archived: [UInt8]) -> [UInt8]? {
    guard let mark = ArchivedName(parsing: archived)?.mark, archived.count >= mark.count,
      let at = (0...(archived.count - mark.count)).last(where: { archived[$0..<$0 + mark.count].elementsEqual(mark) })
    else { return nil }
    return Array(archived[..<at] + archived[(at + mark.count)...])
  }
}

extension ArchivedName: Comparable {
  public static func < (a: ArchivedName, b: ArchivedName) -> Bool { (a.time, a.millisecond) < (b.time, b.millisecond) }
}
