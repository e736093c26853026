internal import SoftadastraCore

/// A directory in the watcher's tree: its place is its parent and its name, so moving it moves all below.
final class WatchNode {
  /// Never used twice: entries about a removed directory cannot be taken for another's.
  let id: UInt64
  /// Nil for the root, for a removed directory, and between the two halves of a rename.
  private(set) unowned var parent: WatchNode?
  private(set) var name: [UInt8]
  private(set) var children: [[UInt8]: WatchNode] = [:]
  /// The kernel's watch descriptor; -1 if there is none.
  var watch: Int32 = -1
  /// The kernel gave no watch; the directory is reported from time to time instead.
  var isPolled = false
  var isRemoved = false
  /// Waits to be compared with the disk.
  var isDoubtful = false
  let isRoot: Bool

  init(id: UInt64, name: [UInt8], isRoot: Bool = false) {
    self.id = id
    self.name = name
    self.isRoot = isRoot
  }

  /// The name must be free.
  func attach(to parent: WatchNode, as name: [UInt8]) {
    self.parent = parent
    self.name = name
    parent.children[name] = self
  }

  func detach() {
    parent?.children[name] = nil
    parent = nil
  }

  /// Nil unless the root is reached: the directory is removed, or in the middle of a rename.
  var path: BytePath? { path(appending: nil) }

  func path(appending last: [UInt8]?) -> BytePath? {
    var names: [[UInt8]] = []
    if let last { names.append(last) }
    var node = self
    while !node.isRoot {
      guard !node.isRemoved, let parent = node.parent else { return nil }
      names.append(node.name)
      node = parent
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(names.reduce(0) { $0 + $1.count + 1 })
    for name in names.reversed() {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
      bytes.append(contentsOf: name)
    }
    return BytePath(unchecked: bytes)
  }

  func isWithin(_ other: WatchNode) -> Bool {
    var node: WatchNode? = self
    while let current = node {
      if current === other { return true }
      node = current.parent
    }
    return false
  }
}
