internal import CLinux
internal import Glibc
public import SoftadastraCore

/// Changes of single names in the folder.
extension LinuxVolume {
  public func makeSymlink(_ target: [UInt8], at path: BytePath, modifiedNanoseconds: Int64) throws(SoftadastraError)
    -> FileStatus
  {
    guard !target.isEmpty, !target.contains(0) else { throw fail(-EINVAL, "cannot create link", path) }
    let parent = try parent(of: path, "cannot create link")
    // Made with its time in the staging area: it appears complete or not at all.
    let name = uniqueName("link-")
    let area = try area(of: name, "cannot create link")
    var result = withCPath(target) { target in
      withCPath(name.utf8) { linux_symlinkat(target, area.number, $0) }
    }
    if result == 0 {
      result = withCPath(name.utf8) { linux_set_modified_at(area.number, $0, modifiedNanoseconds) }
      if result == 0 {
        result = renameNoReplace(from: area.number, Array(name.utf8), to: parent.number, Array(path.name))
      }
      if result != 0 { _ = withCPath(name.utf8) { linux_unlinkat(area.number, $0, 0) } }
    }
    guard result == 0 else { throw fail(result, "cannot create link", path) }
    let made = try status(in: parent.number, path.name, "cannot look at", path)
    guard made.kind == .symlink else { throw changed(path) }
    return made
  }

  public func makeDirectory(_ path: BytePath, permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    forgetHeld(path)
    let parent = try parent(of: path, "cannot create directory")
    let mode = permissions & 0o777
    let result = withCPath(path.name) { linux_mkdirat(parent.number, $0, UInt32(mode)) }
    guard result == 0 else { throw fail(result, "cannot create directory", path) }
    let made = try status(in: parent.number, path.name, "cannot look at", path)
    guard made.kind == .directory else { throw changed(path) }
    // The process's umask took some bits away. Set-gid may be inherited from the parent; that is the user's choice.
    return made.permissions == mode ? made : try setPermissions(ofDirectory: path, mode)
  }

  public func removeDirectory(_ path: BytePath) throws(SoftadastraError) {
    forgetHeld(path)
    let parent = try parent(of: path, "cannot remove directory")
    let result = withCPath(path.name) { linux_unlinkat(parent.number, $0, AT_REMOVEDIR) }
    guard result == 0 else { throw fail(result, "cannot remove directory", path) }
  }

  public func setPermissions(ofDirectory path: BytePath, _ permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    let opened = try holding(path, "cannot set permissions of")
    let before = try status(of: opened.number, path)
    guard before.kind == .directory else { throw changed(path) }
    guard heldAttributes.permissions else { return before }
    // It keeps its set-gid bit: that decides the group of new files, and removing it is not ours to do.
    let result = openedDirectories.setMode(opened.number, before.mode & 0o7000 | permissions & 0o777)
    guard result == 0 else { throw fail(result, "cannot set permissions of", path) }
    let now = try status(of: opened.number, path)
    return openedDirectories.settled(now) { try? status(of: opened.number, path) }
  }

  public func setAttributes(
    _ path: BytePath, permissions: UInt16, modifiedNanoseconds: Int64, expecting fingerprint: UInt64
  ) throws(SoftadastraError) -> FileStatus {
    let opened = try holding(path, "cannot set the time of")
    let before = try status(of: opened.number, path)
    guard before.kind == .file, before.fingerprint == fingerprint else { throw changed(path) }
    // The mode first: where it is refused nothing has changed, and it hides nothing.
    if heldAttributes.permissions, before.mode != permissions & 0o777 {
      let result = linux_change_mode(opened.number, UInt32(permissions & 0o777))
      guard result == 0 else { throw fail(result, "cannot set permissions of", path) }
      guard try status(of: opened.number, path).isSameFile(as: before) else { throw changed(path) }
    }
    let result = linux_change_modified(opened.number, modifiedNanoseconds)
    guard result == 0 else { throw fail(result, "cannot set the time of", path) }
    let now = try status(of: opened.number, path)
    guard now.size == before.size else { throw changed(path) }
    return now
  }

  /// What lies at the path, whatever becomes of the name; a symlink is not followed.
  private func holding(_ path: BytePath, _ what: String) throws(SoftadastraError) -> Descriptor {
    try validate(path)
    let number = Beneath.open(root.number, path.bytes, flags: linux_o_path)
    guard let opened = Descriptor(number) else { throw fail(number, what, path) }
    return opened
  }

  private func status(of descriptor: Int32, _ path: BytePath) throws(SoftadastraError) -> FileStatus {
    var raw = linux_status()
    let result = linux_fstat(descriptor, &raw)
    guard result == 0 else { throw fail(result, "cannot look at", path) }
    return FileStatus(raw)
  }

  private func changed(_ path: BytePath) -> SoftadastraError {
    SoftadastraError(.changed, "apply", at: describe(path), why: "somebody changed it meanwhile")
  }

  public func move(_ from: BytePath, to: BytePath) throws(SoftadastraError) -> FileStatus {
    forgetHeld(from)
    forgetHeld(to)
    let source = try parent(of: from, "cannot move")
    let target = try parent(of: to, "cannot move to")
    let result = renameNoReplace(from: source.number, Array(from.name), to: target.number, Array(to.name))
    guard result == 0 else { throw fail(result, "cannot move to", to) }
    return try status(in: target.number, to.name, "cannot look at", to)
  }
}
