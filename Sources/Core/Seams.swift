/// Time, as the engine sees it. The simulator's clock jumps; the real one does too.
public protocol TimeSource: Sendable {
  /// Milliseconds since 1970. May jump either way.
  func wallMilliseconds() -> Int64
  /// Nanoseconds since some start; never goes back.
  func monotonicNanoseconds() -> UInt64
  /// Returns once so much of the monotonic clock has passed, or when the task is cancelled.
  func sleep(nanoseconds: UInt64) async
}

/// Random bits: the system's generator in a node, a seeded one in the simulator.
public protocol RandomSource: Sendable {
  func next() -> UInt64
}

extension RandomSource {
  public func bytes(_ count: Int) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count + 8)
    while out.count < count { withUnsafeBytes(of: next()) { out.append(contentsOf: $0) } }
    return Array(out.prefix(count))
  }
}

/// A directory of flat files below which the log keeps its segments and the store its checkpoints.
///
/// Every call may fail with the reason of the disk. What was written is durable only after `sync` of the file, and a
/// created, renamed or removed name only after `syncDirectory`.
public protocol Disk: Sendable {
  /// The files' names, in no particular order.
  func list() throws(SoftadastraError) -> [String]
  /// Opens for reading and writing. With `create`, a missing file is made and an existing one kept.
  func open(_ name: String, create: Bool) throws(SoftadastraError) -> any DiskFile
  func rename(_ from: String, to: String) throws(SoftadastraError)
  func remove(_ name: String) throws(SoftadastraError)
  func syncDirectory() throws(SoftadastraError)
  /// Takes the exclusive lock of this directory, or fails with `.conflict` naming the holder's process ID.
  func lock(_ name: String) throws(SoftadastraError) -> any DiskLock
  /// For messages.
  var location: String { get }
}

/// Released when the last reference goes, or the process ends.
public protocol DiskLock: AnyObject, Sendable {}

/// One open file of a `Disk`. Positions are absolute; calls from several threads may overlap.
public protocol DiskFile: AnyObject, Sendable {
  func size() throws(SoftadastraError) -> UInt64
  /// Returns how many bytes were read: fewer than asked only at the end of the file.
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int
  /// Writes all bytes or fails.
  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError)
  /// Makes the written bytes durable. After a failure the file must not be trusted: the kernel may have dropped them.
  func sync() throws(SoftadastraError)
  func truncate(to size: UInt64) throws(SoftadastraError)
}
