import Foundation
import SoftadastraCore
import SoftadastraFS
import Synchronization

final class MemoryFile: ReadableFile {
  let volume: MemoryVolume
  let inode: UInt64
  let path: BytePath
  let generation: Int
  let statusWhenOpened: FileStatus

  init(_ volume: MemoryVolume, _ inode: UInt64, _ path: BytePath, _ generation: Int, _ status: FileStatus) {
    statusWhenOpened = status
    self.volume = volume
    self.inode = inode
    self.path = path
    self.generation = generation
  }

  private func check(_ state: MemoryVolume.State) throws(SoftadastraError) {
    guard state.generation == generation, state.tree.nodes[inode] != nil else { throw .memory(EIO, path) }
  }

  func status() throws(SoftadastraError) -> FileStatus {
    try volume.perform(.status, path) { state throws(SoftadastraError) in
      try check(state)
      return state.status(inode)
    }
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    try volume.perform(.read, path) { state throws(SoftadastraError) in
      try check(state)
      return readContent(state.tree.nodes[inode]!.content, offset, buffer)
    }
  }

  func nextData(from offset: UInt64) throws(SoftadastraError) -> Range<UInt64>? {
    let size = try status().size
    return offset < size ? offset..<size : nil
  }
}

private func readContent(_ content: [UInt8], _ offset: UInt64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  guard offset < UInt64(content.count) else { return 0 }
  let part = content[Int(offset)...].prefix(buffer.count)
  buffer.copyBytes(from: part)
  return part.count
}

final class MemoryStagedFile: StagedFile {
  let volume: MemoryVolume
  let inode: UInt64
  let name: String?
  let generation: Int
  private let placed = Atomic<Bool>(false)

  var isPlaced: Bool {
    get { placed.load(ordering: .relaxed) }
    set { placed.store(newValue, ordering: .relaxed) }
  }

  init(_ volume: MemoryVolume, _ inode: UInt64, _ name: String?, _ generation: Int) {
    self.volume = volume
    self.inode = inode
    self.name = name
    self.generation = generation
  }

  /// An unnamed file that never got a name is gone with its last reference.
  deinit {
    guard name == nil, !isPlaced else { return }
    volume.state.withLock { state in
      if state.generation == generation { state.purge(inode) }
    }
  }

  private var path: BytePath { name.map { BytePath($0) } ?? .root }

  private func change<T>(
    _ operation: MemoryVolume.Operation, _ body: (inout MemoryVolume.State) throws(SoftadastraError) -> T
  ) throws(SoftadastraError) -> T {
    try volume.perform(operation, path) { state throws(SoftadastraError) in
      guard state.generation == generation, state.tree.nodes[inode] != nil else { throw .memory(EIO, path) }
      return try body(&state)
    }
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError) {
    try change(.write) { state throws(SoftadastraError) in
      let end = Int(offset) + bytes.count
      var content = state.tree.nodes[inode]!.content
      state.tree.nodes[inode]!.content = []
      // A repeated element would be appended one by one, which takes a debug build longer than all else here.
      if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
      content.replaceSubrange(Int(offset)..<end, with: bytes)
      state.tree.nodes[inode]!.content = content
      state.touch(inode)
    }
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    try change(.read) { state throws(SoftadastraError) in
      readContent(state.tree.nodes[inode]!.content, offset, buffer)
    }
  }

  func copy(from source: any ReadableFile, at sourceOffset: UInt64, to offset: UInt64, count: UInt64)
    throws(SoftadastraError)
  {
    try change(.copy) { _ throws(SoftadastraError) in }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(count), alignment: 1)
    defer { buffer.deallocate() }
    guard try source.read(at: sourceOffset, into: buffer) == Int(count) else {
      throw SoftadastraError(.changed, "copy", at: path.description, why: "the source became shorter")
    }
    try write(at: offset, UnsafeRawBufferPointer(buffer))
  }

  func finish(size: UInt64, permissions: UInt16, modifiedNanoseconds: Int64) throws(SoftadastraError) {
    try change(.finish) { state throws(SoftadastraError) in
      let count = state.tree.nodes[inode]!.content.count
      if count > Int(size) {
        state.tree.nodes[inode]!.content.removeLast(count - Int(size))
      } else {
        state.tree.nodes[inode]!.content += [UInt8](repeating: 0, count: Int(size) - count)
      }
      state.touch(inode)
      state.tree.nodes[inode]!.mode = permissions & 0o777
      state.tree.nodes[inode]!.modified = modifiedNanoseconds
    }
  }

  func sync() throws(SoftadastraError) {
    try change(.sync) { state throws(SoftadastraError) in
      // Also of a file that has no name yet: whatever name it gets, its bytes are there.
      if let node = state.tree.nodes[inode] { state.durable.nodes[inode] = node }
    }
  }
}
