public import SoftadastraCore

/// A moment as `restore --at` takes it.
public struct VersionMoment: Sendable, Hashable {
  public let time: UTCTime
  public let millisecond: Int

  /// `2026-01-02`, `2026-01-02T03:04`, `2026-01-02T03:04:05Z`, `2026-01-02T03:04:05.678Z`; always UTC.
  public init?(_ text: some StringProtocol) {
    var plain = String(text)
    var millisecond = 0
    if let dot = plain.lastIndex(of: ".") {
      let digits = plain[plain.index(after: dot)...].prefix { $0 != "Z" }
      guard digits.utf8.count == 3, let number = Int(digits), number >= 0 else { return nil }
      millisecond = number
      plain = String(plain[..<dot])
    }
    guard let time = UTCTime(iso: plain) else { return nil }
    self.time = time
    self.millisecond = millisecond
  }

  /// Of versions in the order of their times: what the file held at this moment.
  ///
  /// A version left the folder at its time, so it is what was there until then: the first one at or after the moment.
  public func pick(_ versions: [ArchivedVersion]) -> ArchivedVersion? {
    versions.first { ($0.name.time, $0.name.millisecond) >= (time, millisecond) }
  }
}

/// Puts a version from the archive back into its folder. Blocks: for worker threads.
///
/// The version stays in the archive, and what has the name now goes there first: nothing is overwritten. The new file
/// is complete before it gets the name.
public struct VersionRestoration: Sendable {
  public let volume: LinuxVolume

  public init(volume: LinuxVolume) { self.volume = volume }

  public func restore(_ version: ArchivedVersion, to path: BytePath) throws(SoftadastraError) {
    let there = try volume.status(path)
    guard there?.kind != .directory else {
      throw SoftadastraError(
        .conflict, "restore", at: path.description, why: "a directory has the name", hint: "move it away first")
    }
    switch version.status.kind {
    case .file: try restoreFile(version, to: path, isTaken: there)
    case .symlink:
      let target = try volume.readLink(version.archived)
      try replacing(path, there) { () throws(SoftadastraError) in
        _ = try volume.makeSymlink(target, at: path, modifiedNanoseconds: version.status.modifiedNanoseconds)
      }
    case .directory, .other:
      throw SoftadastraError(
        .unsupported, "restore", at: path.description, why: "only files and symlinks are restored",
        hint: "copy what is in \(volume.location)/\(version.archived) by hand")
    }
  }

  private func restoreFile(
    _ version: ArchivedVersion, to path: BytePath, isTaken there: FileStatus?
  ) throws(SoftadastraError) {
    let source = try volume.openForReading(version.archived)
    let status = source.statusWhenOpened
    let staged = try volume.stage(permissions: status.permissions)
    try staged.copy(from: source, at: 0, to: 0, count: status.size)
    try staged.finish(
      size: status.size, permissions: status.permissions, modifiedNanoseconds: status.modifiedNanoseconds)
    try staged.sync()
    if there?.kind == .file {
      let (_, old) = try volume.exchange(staged, at: path)
      try volume.archive(old, from: path, as: .restored)
      return
    }
    try replacing(path, there) { () throws(SoftadastraError) in _ = try volume.link(staged, at: path) }
  }

  private func replacing(
    _ path: BytePath, _ there: FileStatus?, _ put: () throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) {
    guard there != nil else {
      try makeParents(of: path)
      return try put()
    }
    let old = try volume.displace(path)
    do throws(SoftadastraError) {
      try put()
    } catch {
      _ = try? volume.replace(old, at: path)
      throw error
    }
    try volume.archive(old, from: path, as: .restored)
  }

  private func makeParents(of path: BytePath) throws(SoftadastraError) {
    let parent = path.parent
    guard !parent.isRoot, try volume.status(parent) == nil else { return }
    try makeParents(of: parent)
    do throws(SoftadastraError) {
      _ = try volume.makeDirectory(parent, permissions: 0o755)
    } catch {
      guard error.code == .conflict else { throw error }
    }
  }
}
