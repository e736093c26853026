internal import Glibc
public import SoftadastraCore
public import SoftadastraFS

/// Modes and times.
extension MemoryVolume {
  public func setPermissions(ofDirectory path: BytePath, _ permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    try perform(.setPermissions, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path) else { throw .memory(ENOENT, path) }
      guard state.tree.nodes[inode]!.kind == .directory else {
        throw SoftadastraError(
          .changed, "cannot set permissions of", at: path.description, why: "it is no directory now")
      }
      state.tree.nodes[inode]!.mode = permissions & 0o777
      state.tree.nodes[inode]!.changed = state.tick()
      return state.status(inode)
    }
  }

  /// What a person does to a file or directory.
  public func setPermissions(_ path: BytePath, _ permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    try perform(.setPermissions, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path) else { throw .memory(ENOENT, path) }
      state.tree.nodes[inode]!.mode = permissions & 0o777
      state.tree.nodes[inode]!.changed = state.tick()
      return state.status(inode)
    }
  }

  public func setAttributes(
    _ path: BytePath, permissions: UInt16, modifiedNanoseconds: Int64, expecting fingerprint: UInt64
  ) throws(SoftadastraError) -> FileStatus {
    try perform(.setAttributes, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path) else { throw .memory(ENOENT, path) }
      let before = state.status(inode)
      guard before.kind == .file, before.fingerprint == fingerprint else {
        throw SoftadastraError(
          .changed, "cannot set the time of", at: path.description, why: "it was changed meanwhile")
      }
      state.tree.nodes[inode]!.mode = permissions & 0o777
      state.tree.nodes[inode]!.modified = modifiedNanoseconds
      state.tree.nodes[inode]!.changed = state.tick()
      return state.status(inode)
    }
  }

  /// What a program does that gives a file a time of its choice.
  public func setModified(_ path: BytePath, nanoseconds: Int64) throws(SoftadastraError) -> FileStatus {
    try perform(.setModified, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path) else { throw .memory(ENOENT, path) }
      state.tree.nodes[inode]!.modified = nanoseconds
      state.tree.nodes[inode]!.changed = state.tick()
      return state.status(inode)
    }
  }
}
