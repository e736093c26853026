public import SoftadastraCore

/// The name of a conflict copy: `name.conflict-YYYYMMDD-HHMMSS-NODE-HASH.ext`.
///
/// Made from the loser's own stamp (UTC), author and content alone, so that every node that sees the conflict makes
/// the same copy under the same name.
public enum ConflictName {
  static let marker = ".conflict-"

  public static func path(for path: BytePath, loser version: Version, contentDigest: UInt64) -> BytePath {
    let time = CivilTime(secondsSince1970: Int64(version.stamp.milliseconds / 1000))
    let digest = String(contentDigest | 1 << 63, radix: 16).prefix(6)
    let middle = Array("\(marker)\(time.compact)-\(version.author.compact)-\(digest)".utf8)
    let name = Array(path.name)
    let dot = extensionStart(name)
    let ext = name[dot...]
    // The name is cut, never the mark or a short extension, so that the whole fits.
    let room = BytePath.maxNameBytes - middle.count
    let keptExtension = ext.count <= 16 ? ext : ext.prefix(0)
    let stem = name[..<dot].prefix(room - keptExtension.count)
    return path.parent.appending(Array(stem) + middle + Array(keptExtension))
  }

  /// What every copy's path begins with.
  static func commonPrefix(of path: BytePath) -> [UInt8] {
    let sample = Self.path(
      for: path,
      loser: Version(
        vector: VersionVector(), dot: Dot(replica: ReplicaID(rawValue: 0), counter: 1),
        stamp: HybridTimestamp(rawValue: 0), author: AuthorTag(rawValue: 0)), contentDigest: 0)
    let mark = Array(marker.utf8)
    let name = Array(sample.name)
    let at = (0...(name.count - mark.count)).last { name[$0..<$0 + mark.count].elementsEqual(mark) } ?? name.count
    return path.parent.appending(name[..<at]).bytes + mark
  }

  public static func isConflictCopy(_ path: BytePath) -> Bool {
    let name = Array(path.name)
    let mark = Array(marker.utf8)
    guard name.count > mark.count else { return false }
    return (0...(name.count - mark.count)).contains { name[$0..<$0 + mark.count].elementsEqual(mark) }
  }

  /// Of a copy: the path it is a copy of (as far as its name was not cut). Nil for other names.
  public static func original(of path: BytePath) -> BytePath? {
    let name = Array(path.name)
    let mark = Array(marker.utf8)
    guard name.count > mark.count,
      let at = (0...(name.count - mark.count)).last(where: { name[$0..<$0 + mark.count].elementsEqual(mark) })
    else { return nil }
    let rest = name[(at + mark.count)...]
    let ext = rest.lastIndex(of: UInt8(ascii: ".")).map { rest[$0...] } ?? rest.suffix(0)
    return path.parent.appending(Array(name[..<at]) + Array(ext))
  }

  /// A leading dot is no extension.
  private static func extensionStart(_ name: [UInt8]) -> Int {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return name.count }
    return dot
  }
}

/// A UTC date from seconds since 1970, without the C library's time zones. (Howard Hinnant's civil-from-days.)
struct CivilTime {
  let year: Int64
  let month: Int64
  let day: Int64
  let secondOfDay: Int64

  init(secondsSince1970 seconds: Int64) {
    let days = seconds.quotient(floored: 86_400)
    secondOfDay = seconds - days * 86_400
    let shifted = days + 719_468
    let era = shifted.quotient(floored: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// `YYYYMMDD-HHMMSS`.
  var compact: String {
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let digits = String(year)
    let paddedYear = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return paddedYear + two(month) + two(day) + "-" + two(secondOfDay / 3600) + two(secondOfDay / 60 % 60)
      + two(secondOfDay % 60)
  }
}

extension Int64 {
  fileprivate func quotient(floored divisor: Int64) -> Int64 {
    self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
  }
}
