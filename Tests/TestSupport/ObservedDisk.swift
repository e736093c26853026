public import SoftadastraCore
internal import Synchronization

/// Passes every call on to another disk, and tells of those that change something before they are made.
public final class ObservedDisk: Disk {
  private let inner: any Disk
  private let told = Mutex<(@Sendable (MemoryDisk.Operation) -> Void)?>(nil)

  public init(_ inner: any Disk) { self.inner = inner }

  public func observe(_ body: (@Sendable (MemoryDisk.Operation) -> Void)?) { told.withLock { $0 = body } }

  fileprivate func tell(_ operation: MemoryDisk.Operation) { told.withLock { $0 }?(operation) }

  public var location: String { inner.location }
  public func list() throws(SoftadastraError) -> [String] { try inner.list() }
  public func lock(_ name: String) throws(SoftadastraError) -> any DiskLock { try inner.lock(name) }

  public func open(_ name: String, create: Bool) throws(SoftadastraError) -> any DiskFile {
    tell(.open)
    return ObservedFile(inner: try inner.open(name, create: create), disk: self)
  }

  public func rename(_ from: String, to: String) throws(SoftadastraError) {
    tell(.rename)
    try inner.rename(from, to: to)
  }

  public func remove(_ name: String) throws(SoftadastraError) {
    tell(.remove)
    try inner.remove(name)
  }

  public func syncDirectory() throws(SoftadastraError) {
    tell(.syncDirectory)
    try inner.syncDirectory()
  }
}

private final class ObservedFile: DiskFile {
  let inner: any DiskFile
  let disk: ObservedDisk

  init(inner: any DiskFile, disk: ObservedDisk) { (self.inner, self.disk) = (inner, disk) }

  func size() throws(SoftadastraError) -> UInt64 { try inner.size() }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    try inner.read(at: offset, into: buffer)
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError) {
    disk.tell(.write)
    try inner.write(at: offset, bytes)
  }

  func sync() throws(SoftadastraError) {
    disk.tell(.sync)
    try inner.sync()
  }

  func truncate(to size: UInt64) throws(SoftadastraError) {
    disk.tell(.truncate)
    try inner.truncate(to: size)
  }
}
