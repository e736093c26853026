import Foundation
public import SoftadastraCore
public import SoftadastraFS
import Synchronization

/// Staged and displaced files of the volume in memory.
extension MemoryVolume {
  public func stage(permissions: UInt16) throws(SoftadastraError) -> any StagedFile {
    try perform(.stage, .root) { state throws(SoftadastraError) in
      MemoryStagedFile(self, state.make(.file, permissions & 0o777), nil, state.generation)
    }
  }

  public func stage(named name: String) throws(SoftadastraError) -> any StagedFile {
    try perform(.stage, BytePath(name)) { state throws(SoftadastraError) in
      let inode = state.tree.staged[name] ?? state.make(.file, 0o600)
      state.tree.staged[name] = inode
      return MemoryStagedFile(self, inode, name, state.generation)
    }
  }

  public func openStaged(_ name: String) throws(SoftadastraError) -> any StagedFile {
    try perform(.stage, BytePath(name)) { state throws(SoftadastraError) in
      guard let inode = state.tree.staged[name] else { throw .memory(ENOENT, BytePath(name)) }
      return MemoryStagedFile(self, inode, name, state.generation)
    }
  }

  public func stagedNames() throws(SoftadastraError) -> [String] {
    try perform(.stagedNames, .root) { state throws(SoftadastraError) in state.tree.staged.keys.sorted() }
  }

  public func stagedStatus(_ name: String) throws(SoftadastraError) -> FileStatus? {
    try perform(.status, BytePath(name)) { state throws(SoftadastraError) in
      state.tree.staged[name].map { state.status($0) }
    }
  }

  /// The bytes of a file that lies in the staging area.
  public func stagedContent(_ name: String) -> [UInt8]? {
    state.withLock { state in state.tree.staged[name].flatMap { state.tree.nodes[$0]?.content } }
  }

  public func removeStaged(_ name: String) throws(SoftadastraError) {
    try perform(.removeStaged, BytePath(name)) { state throws(SoftadastraError) in
      guard let inode = state.tree.staged.removeValue(forKey: name) else { throw .memory(ENOENT, BytePath(name)) }
      state.purge(inode)
    }
  }

  public func renameStaged(_ name: String, to other: String) throws(SoftadastraError) {
    try perform(.stage, BytePath(name)) { state throws(SoftadastraError) in
      guard state.tree.staged[other] == nil else { throw .memory(EEXIST, BytePath(other)) }
      guard let inode = state.tree.staged.removeValue(forKey: name) else { throw .memory(ENOENT, BytePath(name)) }
      state.tree.staged[other] = inode
    }
  }

  public func reuse(_ file: ArchivedFile, as stagedName: String) throws(SoftadastraError) -> Bool {
    try perform(.stage, file.archived) { state throws(SoftadastraError) in
      guard let inode = state.tree.archive[file.archived] else { throw .memory(ENOENT, file.archived) }
      guard state.status(inode).isSameFile(as: file.status), state.tree.staged[stagedName] == nil else { return false }
      state.tree.archive[file.archived] = nil
      state.tree.staged[stagedName] = inode
      return true
    }
  }

  private func ours(_ file: any StagedFile, _ state: State, _ path: BytePath) throws(SoftadastraError)
    -> MemoryStagedFile
  {
    guard let file = file as? MemoryStagedFile, file.volume === self, file.generation == state.generation,
      !file.isPlaced, state.tree.nodes[file.inode] != nil
    else { throw .memory(EINVAL, path) }
    return file
  }

  public func link(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try perform(.link, path) { state throws(SoftadastraError) in
      let file = try ours(file, state, path)
      let parent = try state.freeName(path)
      if let name = file.name { state.tree.staged[name] = nil }
      state.attach(file.inode, to: parent, Array(path.name))
      file.isPlaced = true
      return state.status(file.inode)
    }
  }

  public func exchange(_ file: any StagedFile, at path: BytePath) throws(SoftadastraError) -> (FileStatus, Displaced) {
    try perform(.exchange, path) { state throws(SoftadastraError) in
      let file = try ours(file, state, path)
      guard let old = state.find(path), old != 1, let parent = state.find(path.parent) else {
        throw .memory(ENOENT, path)
      }
      if let name = file.name { state.tree.staged[name] = nil }
      let name = state.uniqueName("swap-")
      state.attach(file.inode, to: parent, Array(path.name))
      state.tree.nodes[old]!.changed = state.tick()
      state.tree.staged[name] = old
      file.isPlaced = true
      return (state.status(file.inode), Displaced(stagedName: name, status: state.status(old)))
    }
  }

  public func displace(_ path: BytePath) throws(SoftadastraError) -> Displaced {
    try perform(.displace, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path), inode != 1 else { throw .memory(ENOENT, path) }
      state.unlink(path)
      state.tree.nodes[inode]!.changed = state.tick()
      let name = state.uniqueName("trash-")
      state.tree.staged[name] = inode
      return Displaced(stagedName: name, status: state.status(inode))
    }
  }

  public func replace(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try perform(.replace, path) { state throws(SoftadastraError) in
      guard let inode = state.tree.staged[displaced.stagedName] else { throw .memory(ENOENT, path) }
      let parent = try state.freeName(path)
      state.tree.staged[displaced.stagedName] = nil
      state.attach(inode, to: parent, Array(path.name))
      return state.status(inode)
    }
  }

  public func swapBack(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) -> Displaced {
    try perform(.replace, path) { state throws(SoftadastraError) in
      let name = displaced.stagedName
      guard let inode = state.tree.staged[name], let now = state.find(path), now != 1,
        let parent = state.find(path.parent)
      else { throw .memory(ENOENT, path) }
      state.attach(inode, to: parent, Array(path.name))
      state.tree.nodes[now]!.changed = state.tick()
      state.tree.staged[name] = now
      return Displaced(stagedName: name, status: state.status(now))
    }
  }

  /// The archived name is `path~n`: the order of archiving, not the time.
  public func discard(_ displaced: Displaced, from path: BytePath, keep: Bool) throws(SoftadastraError) {
    guard !keep else { return _ = try archive(displaced, from: path, as: .replaced) }
    try perform(.discard, path) { state throws(SoftadastraError) in
      guard let inode = state.tree.staged.removeValue(forKey: displaced.stagedName) else {
        throw .memory(ENOENT, path)
      }
      state.purge(inode)
    }
  }

  public func archive(
    _ displaced: Displaced, from path: BytePath, as reason: VersionReason
  ) throws(SoftadastraError) -> BytePath? {
    try perform(.discard, path) { state throws(SoftadastraError) in
      guard let inode = state.tree.staged.removeValue(forKey: displaced.stagedName) else {
        throw .memory(ENOENT, path)
      }
      let place = path.parent.appending(Array(path.name) + Array(state.uniqueName("~").utf8))
      state.tree.archive[place] = inode
      return place
    }
  }

  public func retire(_ path: BytePath, as reason: VersionReason) throws(SoftadastraError) -> ArchivedFile? {
    try perform(.displace, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path), inode != 1 else { throw .memory(ENOENT, path) }
      state.unlink(path)
      state.tree.nodes[inode]!.changed = state.tick()
      let place = path.parent.appending(Array(path.name) + Array(state.uniqueName("~").utf8))
      state.tree.archive[place] = inode
      return ArchivedFile(archived: place, path: path, status: state.status(inode))
    }
  }

  public func bringBack(_ file: ArchivedFile, at path: BytePath) throws(SoftadastraError) -> FileStatus {
    try perform(.replace, path) { state throws(SoftadastraError) in
      guard let inode = state.tree.archive[file.archived] else { throw .memory(ENOENT, path) }
      let parent = try state.freeName(path)
      state.tree.archive[file.archived] = nil
      state.attach(inode, to: parent, Array(path.name))
      return state.status(inode)
    }
  }
}
