public import SoftadastraCore
public import SoftadastraFS

/// The file `.softadastra/folder` that says which folder of which group this directory is.
///
/// A directory without it, though it was watched before, is an unmounted disk or an emptied root: the folder stops
/// instead of spreading deletions. Text, one `key value` pair a line.
public struct FolderMarker: Sendable, Hashable {
  public static let path = BytePath(".softadastra/folder")
  private static let maxBytes = 4096

  public var group: GroupID
  public var folder: FolderID

  public init(group: GroupID, folder: FolderID) {
    self.group = group
    self.folder = folder
  }

  public var text: String { "softadastra 1\ngroup \(group)\nfolder \(folder)\n" }

  public init?(text: some StringProtocol) {
    var fields: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      let pair = Substring(line).split(separator: " ", maxSplits: 1)
      if pair.count == 2 { fields[pair[0]] = pair[1] }
    }
    guard let group = fields["group"], group.utf8.count == 32, let high = UInt64(group.prefix(16), radix: 16),
      let low = UInt64(group.suffix(16), radix: 16), let folder = fields["folder"].flatMap({ FolderID($0) })
    else { return nil }
    self.group = GroupID(high: high, low: low)
    self.folder = folder
  }

  /// Nil if there is none. `.damaged` if it cannot be understood.
  public static func read(from volume: any Volume) throws(SoftadastraError) -> FolderMarker? {
    guard try volume.status(path) != nil else { return nil }
    let file = try volume.openForReading(path)
    var count = 0
    var failure: SoftadastraError?
    let bytes = [UInt8](unsafeUninitializedCapacity: maxBytes) { buffer, filled in
      do throws(SoftadastraError) {
        count = try file.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error
      }
      filled = count
    }
    if let failure { throw failure }
    guard let marker = FolderMarker(text: String(decoding: bytes, as: UTF8.self)) else {
      throw SoftadastraError(
        .damaged, "folder marker", at: "\(volume.location)/\(path)", why: "it is not one of ours",
        hint: "remove it and watch the folder again with --adopt")
    }
    return marker
  }

  /// Replaces an existing one.
  public func write(to volume: any Volume) throws(SoftadastraError) {
    let staged = try volume.stage(permissions: 0o600)
    var failure: SoftadastraError?
    Array(text.utf8).withUnsafeBytes { bytes in
      do throws(SoftadastraError) { try staged.write(at: 0, bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    try staged.sync()
    if try volume.status(Self.path) != nil {
      let (_, old) = try volume.exchange(staged, at: Self.path)
      try volume.discard(old, from: Self.path, keep: false)
    } else {
      _ = try volume.link(staged, at: Self.path)
    }
  }
}
