internal import CLinux
internal import Glibc
public import SoftadastraCore

/// The versions archive: `.softadastra/versions/<directories>/<name>~YYYYMMDD-HHMMSS[-n]<.ext>`, times in UTC.
extension LinuxVolume {
  private static let maxCopiesASecond = 10_000

  public func discard(_ displaced: Displaced, from path: BytePath, keep: Bool) throws(SoftadastraError) {
    let area = try area(of: displaced.stagedName, "cannot archive")
    guard keep else { return try removeStaged(displaced.stagedName) }
    try validate(path)
    var archive = try archiveDirectory(for: path)
    let source = Array(displaced.stagedName.utf8)
    let stamp = UTCStamp.text(seconds: SystemTime().wallMilliseconds() / 1000)
    for copy in 0..<Self.maxCopiesASecond {
      let name = Self.archiveName(path.name, stamp: stamp, copy: copy)
      let result = renameNoReplace(from: area.number, source, to: archive.number, name)
      if result == 0 { return }
      if result == -ENOENT, copy == 0 {
        // Emptied and removed in the meantime, or the displaced file is gone: the second attempt tells.
        forgetHeld(BytePath(unchecked: Self.versionsPath))
        archive = try archiveDirectory(for: path)
        continue
      }
      guard result == -EEXIST else { throw fail(result, "cannot archive", path) }
    }
    throw fail(-EEXIST, "cannot archive", path)
  }

  /// Makes the directories of `path` below the archive, and opens the last.
  private func archiveDirectory(for path: BytePath) throws(SoftadastraError) -> HeldDirectory {
    let parent = BytePath(
      unchecked: Self.versionsPath + (path.parent.isRoot ? [] : [UInt8(ascii: "/")] + path.parent.bytes))
    // Mostly it was made for another file before; where a file bears its name, the walk finds out.
    if let known = hold(parent.bytes).directory { return known }
    var held = try directory(Self.versionsPath, "cannot archive", path)
    for component in path.components.dropLast() {
      var name = Array(component)
      let through = Self.throughFlags | O_NOFOLLOW | O_CLOEXEC
      var number: Int32 = -ENOENT
      // An archived file can bear the very name of a directory; then the directory's gets a tilde.
      for _ in 0..<4 {
        let made = withCPath(name) { linux_mkdirat(held.number, $0, 0o700) }
        guard made == 0 || made == -EEXIST else { throw fail(made, "cannot archive", path) }
        number = withCPath(name) { linux_openat(held.number, $0, through, 0) }
        guard number == -ENOTDIR || number == -ELOOP else { break }
        name = Array(name.prefix(BytePath.maxNameBytes - 1)) + [UInt8(ascii: "~")]
      }
      guard let next = Descriptor(number) else { throw fail(number, "cannot archive", path) }
      held = HeldDirectory(next)
    }
    return held
  }

  /// `report.tar.gz` becomes `report.tar~20260101-120000.gz`; the stem is shortened so that the name fits.
  static func archiveName(_ name: some BidirectionalCollection<UInt8>, stamp: String, copy: Int) -> [UInt8] {
    let name = Array(name)
    // A leading dot makes a hidden file, not an extension; very long extensions are none.
    let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > 0 && name.count - $0 <= 32 ? $0 : nil }
    let stem = name[..<(dot ?? name.count)]
    let middle = Array(("~" + stamp + (copy == 0 ? "" : "-\(copy)")).utf8)
    let rest = name[(dot ?? name.count)...]
    return Array(stem.prefix(BytePath.maxNameBytes - middle.count - rest.count)) + middle + rest
  }
}

/// `YYYYMMDD-HHMMSS` in UTC.
enum UTCStamp {
  static func text(seconds: Int64) -> String {
    var clock = time_t(seconds)
    var parts = tm()
    guard gmtime_r(&clock, &parts) != nil else { return "00000000-000000" }
    func digits(_ value: Int32, _ width: Int) -> String {
      let text = String(max(0, value))
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2) + "-"
      + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2)
  }
}
