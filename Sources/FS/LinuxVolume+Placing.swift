internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// How staged files enter the folder, and how what was there leaves it.
extension LinuxVolume {
  private func ours(_ file: any StagedFile, _ what: String, _ path: BytePath) throws(SoftadastraError)
    -> LinuxStagedFile
  {
    guard let file = file as? LinuxStagedFile else { throw fail(-EXDEV, what, path) }
    return file
  }

  public func link(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    let file = try ours(file, "cannot create", path)
    let parent = try parent(of: path, "cannot create")
    let result: Int32
    switch file.place.withLock({ $0 }) {
    case .unnamed:
      result = withCPath(path.name) { linux_link_descriptor(file.descriptor.number, parent.number, $0) }
    case .staged(let name, _):
      let area = try area(of: name, "cannot create")
      result = renameNoReplace(from: area.number, Array(name.utf8), to: parent.number, Array(path.name))
    case .placed:
      result = -EINVAL
    }
    guard result == 0 else { throw fail(result, "cannot create", path) }
    return try file.placed()
  }

  /// Gives an unnamed file a name in the staging area, for renames.
  private func nameStaged(_ file: LinuxStagedFile, _ path: BytePath) throws(SoftadastraError) -> String {
    switch file.place.withLock({ $0 }) {
    case .staged(let name, _): return name
    case .placed: throw fail(-EINVAL, "cannot replace", path)
    case .unnamed:
      let name = uniqueName(Self.swapPrefix)
      let area = try area(of: name, "cannot replace")
      let result = withCPath(name.utf8) { linux_link_descriptor(file.descriptor.number, area.number, $0) }
      guard result == 0 else { throw fail(result, "cannot stage", stagedPath(name)) }
      file.place.withLock { $0 = .staged(name, isKept: false) }
      return name
    }
  }

  public func exchange(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> (FileStatus, Displaced) {
    let file = try ours(file, "cannot replace", path)
    guard case .staged(let kept, isKept: true) = file.place.withLock({ $0 }) else {
      return try exchangeNamed(file, at: path)
    }
    // What comes out of the folder must not lie under the name of a transfer, even for a moment: that goes unseen when the
    // transfer is over.
    let name = uniqueName(Self.swapPrefix)
    try renameStaged(kept, to: name)
    file.place.withLock { $0 = .staged(name, isKept: true) }
    do throws(SoftadastraError) {
      return try exchangeNamed(file, at: path)
    } catch {
      // A call behind the exchange may have failed: then that name is the old file's.
      if case .staged = file.place.withLock({ $0 }), (try? renameStaged(name, to: kept)) != nil {
        file.place.withLock { $0 = .staged(kept, isKept: true) }
      }
      throw error
    }
  }

  private func exchangeNamed(_ file: LinuxStagedFile, at path: BytePath) throws(SoftadastraError) -> (
    FileStatus, Displaced
  ) {
    let parent = try parent(of: path, "cannot replace")
    let name = try nameStaged(file, path)
    let area = try area(of: name, "cannot replace")
    if features.hasExchange {
      let result = withCPath(name.utf8) { from in
        withCPath(path.name) { linux_rename(area.number, from, parent.number, $0, linux_rename_exchange) }
      }
      if result == 0 {
        let now = try file.placed()
        let old = try status(in: area.number, name.utf8, "cannot look at", stagedPath(name))
        return (now, Displaced(stagedName: name, status: old))
      }
      guard lacks(result) else { throw fail(result, "cannot replace", path) }
      properties.withLock { $0.features.hasExchange = false }
    }
    return try exchangeInSteps(file, name, in: area.number, at: path, parent.number)
  }

  /// Without RENAME_EXCHANGE: the old file gets a second name in the staging area, then the new one is renamed over it.
  /// A save by another program between the look and the rename would be lost; there is no call that closes this gap.
  private func exchangeInSteps(
    _ file: LinuxStagedFile, _ name: String, in area: Int32, at path: BytePath, _ parent: Int32
  ) throws(SoftadastraError) -> (FileStatus, Displaced) {
    let saved = uniqueName(Self.swapPrefix)
    let target = Array(path.name)
    var result = withCPath(target) { from in withCPath(saved.utf8) { linux_linkat(parent, from, area, $0) } }
    let isLinked = result == 0
    if !isLinked {
      // No hard links here, or a directory: for a moment the path names nothing.
      guard result != -ENOENT else { throw fail(result, "cannot replace", path) }
      result = withCPath(target) { from in withCPath(saved.utf8) { linux_rename(parent, from, area, $0, 0) } }
      guard result == 0 else { throw fail(result, "cannot replace", path) }
    }
    let old = try status(in: area, saved.utf8, "cannot look at", stagedPath(saved))
    if isLinked {
      let now = try status(in: parent, target, "cannot replace", path)
      guard now.inode == old.inode else {
        try? removeStaged(saved)
        throw SoftadastraError(.changed, "cannot replace", at: describe(path), why: "it was replaced meanwhile")
      }
    }
    result = withCPath(name.utf8) { from in withCPath(target) { linux_rename(area, from, parent, $0, 0) } }
    guard result == 0 else {
      if isLinked {
        try? removeStaged(saved)
      } else {
        _ = renameNoReplace(from: area, Array(saved.utf8), to: parent, target)
      }
      throw fail(result, "cannot replace", path)
    }
    return (try file.placed(), Displaced(stagedName: saved, status: old))
  }

  public func displace(_ path: BytePath) throws(SoftadastraError) -> Displaced {
    forgetHeld(path)
    let parent = try parent(of: path, "cannot remove")
    let name = uniqueName(Self.trashPrefix)
    let area = try area(of: name, "cannot remove")
    let result = withCPath(path.name) { from in
      withCPath(name.utf8) { linux_rename(parent.number, from, area.number, $0, 0) }
    }
    guard result == 0 else { throw fail(result, "cannot remove", path) }
    let old = try status(in: area.number, name.utf8, "cannot look at", stagedPath(name))
    return Displaced(stagedName: name, status: old)
  }

  public func replace(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    forgetHeld(path)
    let parent = try parent(of: path, "cannot put back")
    let area = try area(of: displaced.stagedName, "cannot put back")
    let result = renameNoReplace(
      from: area.number, Array(displaced.stagedName.utf8), to: parent.number, Array(path.name))
    guard result == 0 else { throw fail(result, "cannot put back", path) }
    return try status(in: parent.number, path.name, "cannot look at", path)
  }

  public func swapBack(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> Displaced {
    let parent = try parent(of: path, "cannot put back")
    let name = displaced.stagedName
    let area = try area(of: name, "cannot put back")
    guard features.hasExchange else {
      throw SoftadastraError(
        .unsupported, "cannot put back", at: describe(path), why: "this filesystem cannot exchange two names")
    }
    let result = withCPath(name.utf8) { from in
      withCPath(path.name) { linux_rename(area.number, from, parent.number, $0, linux_rename_exchange) }
    }
    guard result == 0 else { throw fail(result, "cannot put back", path) }
    let now = try status(in: area.number, name.utf8, "cannot look at", stagedPath(name))
    return Displaced(stagedName: name, status: now)
  }

  /// EINVAL is also what a filesystem answers that does not know the flag.
  func lacks(_ result: Int32) -> Bool { [EINVAL, EOPNOTSUPP, ENOSYS].contains(-result) }

  /// A rename that never overwrites. Returns 0 or -errno, -EEXIST if the name is taken.
  func renameNoReplace(from: Int32, _ source: [UInt8], to: Int32, _ target: [UInt8]) -> Int32 {
    withCPath(source) { source in
      withCPath(target) { target in
        if features.hasNoReplace {
          let result = linux_rename(from, source, to, target, linux_rename_noreplace)
          guard lacks(result) else { return result }
        }
        // A second name refuses to overwrite; directories cannot have one, for them the look must do.
        let linked = linux_linkat(from, source, to, target)
        if linked == 0 { return linux_unlinkat(from, source, 0) }
        guard linked != -EEXIST, linked != -ENOENT, linked != -EXDEV else { return linked }
        var raw = linux_status()
        guard linux_fstatat(to, target, AT_SYMLINK_NOFOLLOW, &raw) == -ENOENT else { return -EEXIST }
        return linux_rename(from, source, to, target, 0)
      }
    }
  }
}
