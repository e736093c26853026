import Foundation
import SoftadastraCore
import SoftadastraFS

extension SoftadastraError {
  static func memory(_ number: Int32, _ path: BytePath) -> SoftadastraError {
    .system(number, "cannot work on", at: "/memory/" + path.description)
  }
}

/// The tree as the kernel would keep it. Symlinks are never followed.
extension MemoryVolume.State {
  mutating func tick() -> Int64 {
    now += 1
    return now
  }

  func find(_ path: BytePath) -> UInt64? {
    var inode: UInt64 = 1
    for name in path.components {
      guard let node = tree.nodes[inode], node.kind == .directory, let next = node.children[ByteString(name)] else {
        return nil
      }
      inode = next
    }
    return inode
  }

  func directory(_ path: BytePath) throws(SoftadastraError) -> UInt64 {
    guard let inode = find(path) else { throw .memory(ENOENT, path) }
    guard tree.nodes[inode]?.kind == .directory else { throw .memory(ENOTDIR, path) }
    return inode
  }

  /// The parent of a name that is not taken.
  func freeName(_ path: BytePath) throws(SoftadastraError) -> UInt64 {
    guard !path.isRoot else { throw .memory(EEXIST, path) }
    guard path.name.count <= BytePath.maxNameBytes else { throw .memory(ENAMETOOLONG, path) }
    let parent = try directory(path.parent)
    guard tree.nodes[parent]!.children[ByteString(path.name)] == nil else { throw .memory(EEXIST, path) }
    return parent
  }

  func status(_ inode: UInt64) -> FileStatus {
    let node = tree.nodes[inode]!
    return FileStatus(
      kind: node.kind, mode: held.permissions ? node.mode : 0o777,
      size: node.kind == .directory ? 4096 : UInt64(node.content.count),
      modifiedNanoseconds: held.shown(node.modified), changedNanoseconds: node.changed, inode: inode, device: device,
      links: UInt64(node.links))
  }

  mutating func make(_ kind: FileKind, _ mode: UInt16) -> UInt64 {
    let inode = tree.nextInode
    tree.nextInode += 1
    let now = tick()
    tree.nodes[inode] = MemoryVolume.Node(kind: kind, mode: mode, modified: now, changed: now)
    return inode
  }

  mutating func add(_ kind: FileKind, _ mode: UInt16, to parent: UInt64, _ name: [UInt8]) -> UInt64 {
    let inode = make(kind, mode)
    attach(inode, to: parent, name)
    return inode
  }

  mutating func attach(_ inode: UInt64, to parent: UInt64, _ name: [UInt8]) {
    tree.nodes[parent]!.children[ByteString(name)] = inode
    tree.nodes[inode]!.changed = tick()
    touch(parent)
  }

  mutating func unlink(_ path: BytePath) {
    guard let parent = find(path.parent) else { return }
    tree.nodes[parent]!.children[ByteString(path.name)] = nil
    touch(parent)
  }

  mutating func touch(_ inode: UInt64) {
    let now = tick()
    tree.nodes[inode]!.modified = now
    tree.nodes[inode]!.changed = now
  }

  mutating func purge(_ inode: UInt64) {
    var stack = [inode]
    while let next = stack.popLast() {
      stack.append(contentsOf: tree.nodes.removeValue(forKey: next)?.children.values.map { $0 } ?? [])
    }
  }

  mutating func uniqueName(_ prefix: String) -> String {
    defer { tree.nextName += 1 }
    return prefix + String(tree.nextName)
  }
}
