public import SoftadastraCore

/// The name of a conflict copy: `name.conflict-YYYYMMDD-HHMMSS-NODE-HASH.ext`.
///
/// Made of the loser's modification time (UTC), author and content alone: every node that sees the conflict makes the
/// same copy under the same name, also where nodes gave those bytes new versions (see `ConflictRule.mustRenew`).
public enum ConflictName {
  static let marker = ".conflict-"

  private static let maxExtensionBytes = 16

  /// The year 9999 is the last that the form can say.
  private static let maxSeconds: Int64 = 253_402_300_799

  static func path(for path: BytePath, loser value: FileValue, by author: AuthorTag) -> BytePath {
    Self.path(
      for: path, modifiedNanoseconds: value.modifiedNanoseconds, by: author, contentDigest: value.contentDigest)
  }

  public static func path(
    for path: BytePath, modifiedNanoseconds: Int64, by author: AuthorTag, contentDigest: UInt64
  ) -> BytePath {
    let seconds = min(max(0, modifiedNanoseconds / 1_000_000_000), maxSeconds)
    let time = UTCTime(secondsSince1970: seconds).compact
    let name = Array(path.name)
    let dot = extensionStart(name)
    let keptExtension = name.count - dot <= maxExtensionBytes ? name[dot...] : []
    func middle(_ digest: UInt64) -> [UInt8] {
      Array("\(marker)\(time)-\(author.compact)-\(String(digest | 1 << 63, radix: 16).prefix(6))".utf8)
    }
    // The name is cut, never the mark or a short extension, so that the whole fits; also into a path.
    let nameBytes = min(BytePath.maxNameBytes, BytePath.maxBytes - (path.bytes.count - name.count))
    let room = nameBytes - middle(contentDigest).count - keptExtension.count
    let stem = name[..<dot].prefix(max(room, 0))
    // What was cut off tells names apart: a copy's own copy must not be called as the copy is.
    let middle = middle(stem.count == dot ? contentDigest : Checksum.xxh3(name, seed: contentDigest))
    return path.parent.appending(Array(stem) + middle + Array(keptExtension))
  }

  /// Some copy of the path.
  private static func sample(of path: BytePath) -> BytePath {
    Self.path(for: path, modifiedNanoseconds: 0, by: AuthorTag(rawValue: 0), contentDigest: 0)
  }

  /// Where the last mark in a name begins.
  private static func markStart(_ name: [UInt8]) -> Int? {
    let mark = Array(marker.utf8)
    guard name.count > mark.count else { return nil }
    return (0...(name.count - mark.count)).last { name[$0..<$0 + mark.count].elementsEqual(mark) }
  }

  public static func isConflictCopy(_ path: BytePath) -> Bool { markStart(Array(path.name)) != nil }

  /// A copy's path before the mark: what the path of its original begins with.
  static func beginning(of copy: BytePath) -> BytePath {
    let name = Array(copy.name)
    return copy.parent.appending(Array(name[..<(markStart(name) ?? name.count)]))
  }

  /// It may have been cut to fit.
  static func isFull(_ copy: BytePath) -> Bool {
    copy.name.count == BytePath.maxNameBytes || copy.bytes.count >= BytePath.maxBytes
  }

  /// Whether a copy's name is one for copies of the path. A name that was cut may be that of several.
  static func isCopy(_ copy: BytePath, of path: BytePath) -> Bool {
    guard let said = original(of: copy) else { return false }
    return said == path || isFull(copy) && said == original(of: sample(of: path))
  }

  /// Of a copy: the path it is a copy of (as far as its name was not cut, see `ConflictOriginals`). Nil for other names.
  public static func original(of path: BytePath) -> BytePath? {
    let name = Array(path.name)
    guard let at = markStart(name) else { return nil }
    let rest = name[(at + marker.utf8.count)...]
    let ext = rest.lastIndex(of: UInt8(ascii: ".")).map { rest[$0...] } ?? rest.suffix(0)
    return path.parent.appending(Array(name[..<at]) + Array(ext))
  }

  /// A leading dot is no extension, and neither is the mark of a copy: a copy's own copy has a name of its own.
  private static func extensionStart(_ name: [UInt8]) -> Int {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, !name[dot...].starts(with: marker.utf8) else {
      return name.count
    }
    return dot
  }
}
