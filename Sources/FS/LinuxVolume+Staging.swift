internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// The staging area: `.softadastra/staging` for files in the making and what was swapped out, `.softadastra/trash` for
/// what was taken out, `.softadastra/versions` for the archive. What lies in the trash has a name that begins with
/// `trash-`; so one staged name always says where it is.
extension LinuxVolume {
  static let trashPrefix = "trash-"
  /// Of what is about to take a name in the folder, or has just lost one.
  static let swapPrefix = "swap-"

  /// Makes `.softadastra/` with its directories, for the owner only, and measures what the filesystem can do.
  public func prepareStaging() throws(SoftadastraError) {
    let reserved = BytePath(unchecked: BytePath.reservedName)
    try makeOwnDirectory(reserved)
    for bytes in [Self.stagingPath, Self.trashPath, Self.versionsPath] {
      try makeOwnDirectory(BytePath(unchecked: bytes))
    }
    let staging = try directory(Self.stagingPath, "cannot open", reserved)
    probe(staging.number)
  }

  private func makeOwnDirectory(_ path: BytePath) throws(SoftadastraError) {
    let parent = try parent(of: path, "cannot create")
    let made = withCPath(path.name) { linux_mkdirat(parent.number, $0, 0o700) }
    guard made == 0 || made == -EEXIST else { throw fail(made, "cannot create", path) }
    let status = try status(in: parent.number, path.name, "cannot look at", path)
    guard status.kind == .directory else { throw fail(-ENOTDIR, "cannot use as staging area", path) }
  }

  /// The directory of a staged name, which must be one plain name.
  func area(of name: String, _ what: String) throws(SoftadastraError) -> HeldDirectory {
    let path = BytePath(unchecked: Self.stagingPath).appending(name)
    guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), name.utf8.count <= BytePath.maxNameBytes else {
      throw fail(-EINVAL, what, path)
    }
    try validate(path)
    return try directory(name.hasPrefix(Self.trashPrefix) ? Self.trashPath : Self.stagingPath, what, path)
  }

  func stagedPath(_ name: String) -> BytePath {
    BytePath(unchecked: name.hasPrefix(Self.trashPrefix) ? Self.trashPath : Self.stagingPath).appending(name)
  }

  public func stage(permissions: UInt16) throws(SoftadastraError) -> any StagedFile {
    let mode = UInt32(permissions & 0o777)
    let staging = BytePath(unchecked: Self.stagingPath)
    let (features, kept) = properties.withLock { ($0.features, $0.keptPermissions) }
    if features.hasUnnamedFiles {
      let (area, failure) = hold(Self.stagingPath)
      guard let area else { throw fail(failure, "cannot stage a file in", staging) }
      let flags = linux_o_tmpfile | O_RDWR | O_CLOEXEC
      let result = linux_openat(area.number, ".", flags, mode)
      if let opened = Descriptor(result) {
        let permissions = kept.map { $0 & permissions }
        return LinuxStagedFile(opened, .unnamed, of: self, at: staging, permissions: permissions)
      }
      guard [EOPNOTSUPP, EISDIR, EINVAL].contains(-result) else {
        throw fail(result, "cannot stage a file in", staging)
      }
      properties.withLock { $0.features.hasUnnamedFiles = false }
    }
    let name = uniqueName("new-")
    let area = try area(of: name, "cannot stage")
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let result = withCPath(name.utf8) { linux_openat(area.number, $0, flags, mode) }
    guard let opened = Descriptor(result) else { throw fail(result, "cannot stage", stagedPath(name)) }
    return LinuxStagedFile(opened, .staged(name, isKept: false), of: self, at: stagedPath(name))
  }

  public func stage(named name: String) throws(SoftadastraError) -> any StagedFile {
    try openStaged(name, O_CREAT)
  }

  public func openStaged(_ name: String) throws(SoftadastraError) -> any StagedFile { try openStaged(name, 0) }

  private func openStaged(_ name: String, _ creating: Int32) throws(SoftadastraError) -> any StagedFile {
    let area = try area(of: name, "cannot stage")
    let flags = O_RDWR | creating | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    var result = withCPath(name.utf8) { linux_openat(area.number, $0, flags, 0o600) }
    if result == -EACCES, !isSomebodys(name) {
      // An attempt that did not get further has given it its final mode.
      allowAll(name.utf8, .file, in: area.number)
      result = withCPath(name.utf8) { linux_openat(area.number, $0, flags, 0o600) }
    }
    guard let opened = Descriptor(result) else { throw fail(result, "cannot stage", stagedPath(name)) }
    let file = LinuxStagedFile(opened, .staged(name, isKept: true), of: self, at: stagedPath(name))
    guard try file.status().kind == .file else { throw fail(-EINVAL, "cannot stage", stagedPath(name)) }
    return file
  }

  public func stagedNames() throws(SoftadastraError) -> [String] {
    var names: [String] = []
    for path in [Self.stagingPath, Self.trashPath] {
      // Names of ours are ASCII; anything else was put there by hand and is left alone.
      for item in try list(BytePath(unchecked: path)) {
        if let name = String(validating: item.name, as: UTF8.self),
          name.hasPrefix(Self.trashPrefix) == (path == Self.trashPath)
        {
          names.append(name)
        }
      }
    }
    return names
  }

  public func stagedStatus(_ name: String) throws(SoftadastraError) -> FileStatus? {
    let area = try area(of: name, "cannot look at")
    do throws(SoftadastraError) {
      return try status(in: area.number, name.utf8, "cannot look at", stagedPath(name))
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  public func removeStaged(_ name: String) throws(SoftadastraError) {
    let area = try area(of: name, "cannot remove")
    try remove(name, in: area.number)
  }

  public func renameStaged(_ name: String, to other: String) throws(SoftadastraError) {
    let (from, to) = (try area(of: name, "cannot rename"), try area(of: other, "cannot rename"))
    let result = renameNoReplace(from: from.number, Array(name.utf8), to: to.number, Array(other.utf8))
    guard result == 0 else { throw fail(result, "cannot rename", stagedPath(name)) }
  }

  /// Removes a file, or a directory with all below it, never following a symlink.
  ///
  /// A directory inside that is not empty moves up into the trash and waits there for its turn: any depth takes two
  /// descriptors and no stack, and an interruption leaves only trash behind.
  private func remove(_ name: String, in area: Int32) throws(SoftadastraError) {
    let result = withCPath(name.utf8) { linux_unlinkat(area, $0, 0) }
    if result == 0 { return }
    guard result == -EISDIR || result == -EPERM else { throw fail(result, "cannot remove", stagedPath(name)) }
    let trash = try directory(Self.trashPath, "cannot remove", stagedPath(name))
    var waiting: [(name: String, isInTrash: Bool)] = [(name, false)]
    while let next = waiting.popLast() {
      let holder = next.isInTrash ? trash.number : area
      let flags = O_RDONLY | linux_o_directory | O_NOFOLLOW | O_CLOEXEC
      let path = stagedPath(next.name)
      // The content cannot be listed or unlinked without these; the directory is trash, its mode no longer matters.
      allowAll(next.name.utf8, in: holder)
      let number = withCPath(next.name.utf8) { linux_openat(holder, $0, flags, 0) }
      guard let opened = Descriptor(number) else { throw fail(number, "cannot remove", path) }
      var failure: Int32 = 0
      let end = DirectoryReader.forEachName(opened.number) { child, _, bytes in
        var result = linux_unlinkat(opened.number, child, 0)
        if result == -EISDIR || result == -EPERM { result = linux_unlinkat(opened.number, child, AT_REMOVEDIR) }
        if result == -ENOTEMPTY || result == -EEXIST {
          let moved = uniqueName(Self.trashPrefix)
          allowAll(bytes, in: opened.number)
          result = withCPath(moved.utf8) { linux_rename(opened.number, child, trash.number, $0, 0) }
          if result == 0 { waiting.append((moved, true)) }
        }
        if result != 0, result != -ENOENT { failure = result }
        return failure == 0
      }
      guard failure == 0, end == 0 else { throw fail(failure != 0 ? failure : end, "cannot remove", path) }
      let removed = withCPath(next.name.utf8) { linux_unlinkat(holder, $0, AT_REMOVEDIR) }
      guard removed == 0 || removed == -ENOENT else { throw fail(removed, "cannot remove", path) }
    }
  }

  /// What came out of the folder, or may have.
  private func isSomebodys(_ name: String) -> Bool {
    name.hasPrefix(Self.trashPrefix) || name.hasPrefix(Self.swapPrefix)
  }

  /// All for the owner of a directory in the trash, or of a file of ours, where it may be changed at all.
  private func allowAll(_ name: some Collection<UInt8>, _ kind: FileKind = .directory, in directory: Int32) {
    let through = linux_o_path | O_NOFOLLOW | O_CLOEXEC
    guard let opened = Descriptor(withCPath(name) { linux_openat(directory, $0, through, 0) }) else { return }
    let mode: UInt32 = kind == .directory ? 0o700 : 0o600
    var raw = linux_status()
    guard linux_fstat(opened.number, &raw) == 0, FileStatus(raw).kind == kind, UInt32(raw.mode) & mode != mode else {
      return
    }
    _ = linux_change_mode(opened.number, mode)
  }
}
