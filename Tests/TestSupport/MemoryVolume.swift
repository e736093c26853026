import Foundation
public import SoftadastraCore
public import SoftadastraFS
import Synchronization

/// A `Volume` in memory: inodes and names, a clock that the test moves, faults on demand, and power loss.
///
/// Every change advances the clock by one tick, so ctimes always differ. `dropUnsynced()` returns to what the last
/// `barrier()` saw; of a single file, `sync()` makes the content durable, but never a name.
public final class MemoryVolume: Volume {
  /// The protocol's calls, and the writes to staged files, for `fail`.
  public enum Operation: String, Sendable, CaseIterable {
    case status, list, open, read, readLink, stage, stagedNames, removeStaged, write, copy, finish, sync, link
    case exchange, displace, replace, discard, makeSymlink, makeDirectory, removeDirectory, setPermissions
    case setModified, setAttributes, move, barrier, freeBytes
  }

  /// Returns an errno to let the call fail with, before it changes anything.
  public typealias Fault = @Sendable (Operation, BytePath) -> Int32?

  struct Node {
    var kind: FileKind
    var mode: UInt16
    var content: [UInt8] = []
    var children: [ByteString: UInt64] = [:]
    var modified: Int64
    var changed: Int64
    var links = 1
  }

  struct Tree {
    var nodes: [UInt64: Node] = [1: Node(kind: .directory, mode: 0o755, modified: 0, changed: 0)]
    var staged: [String: UInt64] = [:]
    var archive: [BytePath: UInt64] = [:]
    var nextInode: UInt64 = 2
    var nextName = 1
  }

  struct State {
    var tree = Tree()
    var durable = Tree()
    var now: Int64
    var fault: Fault?
    var free: UInt64 = 1 << 40
    var device: UInt64 = 1
    var held = HeldAttributes.all
    /// Changed by power loss: files opened before are dead.
    var generation = 0
  }

  public let location = "/memory"
  let state: Mutex<State>
  private let interruption = Mutex<(@Sendable (Operation, BytePath) -> Void)?>(nil)

  public init(nowNanoseconds: Int64 = 1_700_000_000_000_000_000) {
    state = Mutex(State(now: nowNanoseconds))
  }

  // MARK: What tests do to it

  public func fail(_ fault: Fault?) { state.withLock { $0.fault = fault } }

  /// Somebody works on the volume right before a call, which must not be one of theirs.
  public func interrupt(_ work: (@Sendable (Operation, BytePath) -> Void)?) { interruption.withLock { $0 = work } }

  public var nowNanoseconds: Int64 {
    get { state.withLock { $0.now } }
    set { state.withLock { $0.now = newValue } }
  }

  /// What it keeps of files' attributes from now on.
  public var heldAttributes: HeldAttributes {
    get { state.withLock { $0.held } }
    set { state.withLock { $0.held = newValue } }
  }

  public func setFreeBytes(_ count: UInt64) { state.withLock { $0.free = count } }

  /// The process that had files open is gone: its descriptors are dead, what it wrote stays.
  public func closeHandles() { state.withLock { $0.generation += 1 } }

  /// Power loss: everything since the last barrier is gone, and so are unnamed staged files.
  public func dropUnsynced() {
    state.withLock {
      $0.tree = $0.durable
      $0.generation += 1
    }
  }

  /// Power loss as a journaling filesystem may leave it: all as it was at the last barrier; or every name as it is
  /// now, and of each file whose bytes were not synced the bytes, a part of them with zeros behind, or nothing.
  public func losePower(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    state.withLock { state in
      state.generation += 1
      guard random.below(2) == 0 else { return state.tree = state.durable }
      for inode in state.tree.nodes.keys.sorted() {
        guard let node = state.tree.nodes[inode], node.kind == .file,
          state.durable.nodes[inode]?.content != node.content
        else { continue }
        switch random.below(3) {
        case 0: break
        case 1: state.tree.nodes[inode]!.content = []
        default:
          let count = random.below(node.content.count + 1)
          state.tree.nodes[inode]!.content =
            Array(node.content[..<count]) + [UInt8](repeating: 0, count: node.content.count - count)
        }
      }
      state.durable = state.tree
    }
  }

  /// The clock of file times, one step on.
  public func tick() -> Int64 { state.withLock { $0.tick() } }

  /// What the versions archive holds, by the path it came from, with the archived name at the end.
  public var archived: [BytePath] { state.withLock { $0.tree.archive.keys.sorted() } }

  public func archivedContent(_ path: BytePath) -> [UInt8]? {
    state.withLock { state in state.tree.archive[path].flatMap { state.tree.nodes[$0]?.content } }
  }

  /// As a program of the user would: creates or overwrites in place, making missing parents.
  public func write(_ path: BytePath, _ content: [UInt8], permissions: UInt16 = 0o644) {
    state.withLock { state in
      var parent: UInt64 = 1
      for name in path.components.dropLast() {
        parent =
          state.tree.nodes[parent]!.children[ByteString(name)] ?? state.add(.directory, 0o755, to: parent, Array(name))
      }
      let name = Array(path.name)
      let known = state.tree.nodes[parent]!.children[ByteString(name)]
      let inode = known ?? state.add(.file, permissions, to: parent, name)
      let now = state.tick()
      state.tree.nodes[inode]!.content = content
      state.tree.nodes[inode]!.modified = now
      state.tree.nodes[inode]!.changed = now
    }
  }

  public func content(_ path: BytePath) -> [UInt8]? {
    state.withLock { state in
      state.find(path).flatMap { state.tree.nodes[$0] }.flatMap { $0.kind == .file ? $0.content : nil }
    }
  }

  /// As `rm -rf` would.
  public func removeTree(_ path: BytePath) {
    state.withLock { state in
      guard !path.isRoot, let parent = state.find(path.parent),
        let inode = state.tree.nodes[parent]?.children.removeValue(forKey: ByteString(path.name))
      else { return }
      state.touch(parent)
      state.purge(inode)
    }
  }

  /// All paths, sorted.
  public var paths: [BytePath] { items().map(\.path) }

  /// All paths of a tree with what lies there, sorted.
  public func items(within top: BytePath = .root) -> [(path: BytePath, kind: FileKind)] {
    state.withLock { state in
      guard let start = state.find(top), let node = state.tree.nodes[start] else { return [] }
      var found: [(path: BytePath, kind: FileKind)] = top.isRoot ? [] : [(top, node.kind)]
      var stack: [(UInt64, BytePath)] = [(start, top)]
      while let (inode, path) = stack.popLast() {
        for (name, child) in state.tree.nodes[inode]?.children ?? [:] {
          guard let kind = state.tree.nodes[child]?.kind else { continue }
          let below = path.appending(name.bytes)
          found.append((below, kind))
          if kind == .directory { stack.append((child, below)) }
        }
      }
      return found.sorted { $0.path < $1.path }
    }
  }

  // MARK: Volume

  /// Runs one call: the fault first, then the body, which changes nothing if it throws.
  func perform<T>(
    _ operation: Operation, _ path: BytePath,
    _ body: (inout State) throws(SoftadastraError) -> T
  ) throws(SoftadastraError) -> T {
    interruption.withLock { $0 }?(operation, path)
    let result: Result<T, SoftadastraError> = state.withLock { state in
      if let fault = state.fault, let number = fault(operation, path) {
        return .failure(.system(number, "cannot \(operation.rawValue)", at: location + "/" + path.description))
      }
      do throws(SoftadastraError) { return .success(try body(&state)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  public func status(_ path: BytePath) throws(SoftadastraError) -> FileStatus? {
    try perform(.status, path) { state throws(SoftadastraError) in state.find(path).map { state.status($0) } }
  }

  public func list(_ directory: BytePath) throws(SoftadastraError) -> [DirectoryItem] {
    try perform(.list, directory) { state throws(SoftadastraError) in
      let inode = try state.directory(directory)
      return state.tree.nodes[inode]!.children.map { DirectoryItem(name: $0.key.bytes, status: state.status($0.value)) }
    }
  }

  public func openForReading(_ path: BytePath) throws(SoftadastraError) -> any ReadableFile {
    try perform(.open, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path), let node = state.tree.nodes[inode] else { throw .memory(ENOENT, path) }
      guard node.kind == .file else { throw SoftadastraError(.changed, "open", at: path.description, why: "no file") }
      return MemoryFile(self, inode, path, state.generation, state.status(inode))
    }
  }

  public func openForReading(_ path: BytePath, lookedAt status: FileStatus) throws(SoftadastraError)
    -> any ReadableFile
  {
    try perform(.open, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path), let node = state.tree.nodes[inode] else { throw .memory(ENOENT, path) }
      guard node.kind == .file else { throw SoftadastraError(.changed, "open", at: path.description, why: "no file") }
      return MemoryFile(self, inode, path, state.generation, status)
    }
  }

  public func readLink(_ path: BytePath) throws(SoftadastraError) -> [UInt8] {
    try perform(.readLink, path) { state throws(SoftadastraError) in
      guard let inode = state.find(path), let node = state.tree.nodes[inode] else { throw .memory(ENOENT, path) }
      guard node.kind == .symlink else {
        throw SoftadastraError(.changed, "readlink", at: path.description, why: "no symlink")
      }
      return node.content
    }
  }

  public func barrier() throws(SoftadastraError) {
    try perform(.barrier, .root) { state throws(SoftadastraError) in state.durable = state.tree }
  }

  public func freeBytes() throws(SoftadastraError) -> UInt64 {
    try perform(.freeBytes, .root) { state throws(SoftadastraError) in state.free }
  }

  public func makeSymlink(_ target: [UInt8], at path: BytePath, modifiedNanoseconds: Int64) throws(SoftadastraError)
    -> FileStatus
  {
    try perform(.makeSymlink, path) { state throws(SoftadastraError) in
      let parent = try state.freeName(path)
      let inode = state.add(.symlink, 0o777, to: parent, Array(path.name))
      state.tree.nodes[inode]!.content = target
      state.tree.nodes[inode]!.modified = modifiedNanoseconds
      return state.status(inode)
    }
  }

  public func makeDirectory(_ path: BytePath, permissions: UInt16) throws(SoftadastraError) -> FileStatus {
    try perform(.makeDirectory, path) { state throws(SoftadastraError) in
      let parent = try state.freeName(path)
      let inode = state.add(.directory, permissions & 0o777, to: parent, Array(path.name))
      return state.status(inode)
    }
  }

  public func removeDirectory(_ path: BytePath) throws(SoftadastraError) {
    try perform(.removeDirectory, path) { state throws(SoftadastraError) in
      let inode = try state.directory(path)
      guard inode != 1, state.tree.nodes[inode]!.children.isEmpty else { throw .memory(ENOTEMPTY, path) }
      state.unlink(path)
      state.purge(inode)
    }
  }

  public func move(_ from: BytePath, to: BytePath) throws(SoftadastraError) -> FileStatus {
    try perform(.move, from) { state throws(SoftadastraError) in
      guard let inode = state.find(from), inode != 1 else { throw .memory(ENOENT, from) }
      guard !to.isWithin(from) else { throw .memory(EINVAL, to) }
      let parent = try state.freeName(to)
      state.unlink(from)
      state.attach(inode, to: parent, Array(to.name))
      return state.status(inode)
    }
  }
}
