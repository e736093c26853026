internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// The versions archive: `.softadastra/versions/<directories>/<archived name>`; see `ArchivedName`.
extension LinuxVolume {
  private static let maxLaterMilliseconds: Int64 = 10_000

  public func discard(_ displaced: Displaced, from path: BytePath, keep: Bool) throws(SoftadastraError) {
    guard keep else {
      _ = try area(of: displaced.stagedName, "cannot archive")
      return try removeStaged(displaced.stagedName)
    }
    _ = try archive(displaced, from: path, as: .replaced)
  }

  @discardableResult
  public func archive(
    _ displaced: Displaced, from path: BytePath, as reason: VersionReason
  ) throws(SoftadastraError) -> BytePath? {
    let area = try area(of: displaced.stagedName, "cannot archive")
    try validate(path)
    let (place, _) = try moveToArchive(
      from: area.number, Array(displaced.stagedName.utf8), of: path, as: reason)
    onArchived.withLock { $0 }?.tell(ArchivedFile(archived: place, path: path, status: displaced.status))
    return place
  }

  public func retire(_ path: BytePath, as reason: VersionReason) throws(SoftadastraError) -> ArchivedFile? {
    forgetHeld(path)
    let parent = try parent(of: path, "cannot remove")
    let (place, archive) = try moveToArchive(from: parent.number, Array(path.name), of: path, as: reason)
    let status = try status(in: archive.number, place.name, "cannot look at", place)
    let file = ArchivedFile(archived: place, path: path, status: status)
    onArchived.withLock { $0 }?.tell(file)
    return file
  }

  public func reuse(_ file: ArchivedFile, as stagedName: String) throws(SoftadastraError) -> Bool {
    try validate(file.archived)
    let result = Beneath.open(root.number, file.archived.bytes, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    guard let opened = Descriptor(result) else { throw fail(result, "cannot open", file.archived) }
    var raw = linux_status()
    guard linux_fstat(opened.number, &raw) == 0, raw.links == 1, FileStatus(raw).isSameFile(as: file.status),
      linux_is_open_elsewhere(opened.number) == 0, fchmod(opened.number, 0o600) == 0
    else { return false }
    let archive = try parent(of: file.archived, "cannot take from the archive")
    let area = try area(of: stagedName, "cannot take from the archive")
    let moved = renameNoReplace(
      from: archive.number, Array(file.archived.name), to: area.number, Array(stagedName.utf8))
    guard moved == 0 else { throw fail(moved, "cannot take from the archive", file.archived) }
    return true
  }

  /// One rename; returns where it lies now, and in which directory.
  private func moveToArchive(
    from directory: Int32, _ source: [UInt8], of path: BytePath, as reason: VersionReason
  ) throws(SoftadastraError) -> (BytePath, HeldDirectory) {
    var place = BytePath(unchecked: Self.versionsPath)
    var archive = try archiveDirectory(for: path, &place)
    let time = SystemTime().wallMilliseconds()
    // Never over another version of the same moment.
    for later in 0..<Self.maxLaterMilliseconds {
      let name = ArchivedName(millisecondsSince1970: time + later, reason: reason).applied(to: path.name)
      let result = renameNoReplace(from: directory, source, to: archive.number, name)
      if result == 0 { return (place.appending(name), archive) }
      if result == -ENOENT, later == 0 {
        // Emptied and removed in the meantime, or the file is gone: the second attempt tells.
        forgetHeld(BytePath(unchecked: Self.versionsPath))
        place = BytePath(unchecked: Self.versionsPath)
        archive = try archiveDirectory(for: path, &place)
        continue
      }
      guard result == -EEXIST else { throw fail(result, "cannot archive", path) }
    }
    throw fail(-EEXIST, "cannot archive", path)
  }

  /// Whom to tell of each file that comes into the archive. Called on worker threads; must return at once.
  public func tellOfArchived(_ body: (@Sendable (ArchivedFile) -> Void)?) {
    onArchived.withLock { $0 = body.map { ArchiveListener(tell: $0) } }
  }

  /// Whether a program has the file open for writing. Nil where the filesystem cannot tell.
  public func hasWriters(_ path: BytePath) throws(SoftadastraError) -> Bool? {
    try validate(path)
    let result = Beneath.open(root.number, path.bytes, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
    guard let opened = Descriptor(result) else { throw fail(result, "cannot open", path) }
    let writers = linux_has_writers(opened.number)
    return writers < 0 ? nil : writers > 0
  }

  /// Makes the directories of `path` below the archive, and opens the last.
  private func archiveDirectory(
    for path: BytePath, _ place: inout BytePath
  ) throws(SoftadastraError) -> HeldDirectory {
    let parent = BytePath(
      unchecked: Self.versionsPath + (path.parent.isRoot ? [] : [UInt8(ascii: "/")] + path.parent.bytes))
    // Mostly it was made for another file before; where a file bears its name, the walk finds out.
    if let known = hold(parent.bytes).directory {
      place = parent
      return known
    }
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
      place = place.appending(name)
    }
    return held
  }
}

/// A file that has just come into the archive.
public struct ArchivedFile: Sendable, Hashable {
  /// Its place, from the folder's root.
  public let archived: BytePath
  /// The path it had.
  public let path: BytePath
  /// As it was when it was taken out of the folder.
  public let status: FileStatus
  public init(archived: BytePath, path: BytePath, status: FileStatus) {
    self.archived = archived
    self.path = path
    self.status = status
  }

  /// Whether the file that lies there now was written to since; nil if it is gone.
  public func wasWrittenLate(_ now: FileStatus?) -> Bool? {
    guard let now, now.inode == status.inode else { return nil }
    return now.size != status.size || now.modifiedNanoseconds != status.modifiedNanoseconds
  }
}
