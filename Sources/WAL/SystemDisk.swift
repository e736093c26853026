internal import Glibc
public import SoftadastraCore

/// A directory of the real filesystem, held open: every call is relative to its descriptor, so that renaming a
/// parent while the log is open moves nothing under its feet.
public final class SystemDisk: Disk {
  private static let fileMode: mode_t = 0o600
  private let directory: Descriptor
  public let location: String

  /// Opens the directory. With `create`, it is made for its owner only; its parent must exist.
  public init(path: String, create: Bool = true) throws(SoftadastraError) {
    if create, mkdir(path, 0o700) < 0, errno != EEXIST {
      throw .system(errno, "create directory", at: path)
    }
    let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw .system(errno, "open directory", at: path) }
    directory = Descriptor(number)
    location = path
  }

  public func list() throws(SoftadastraError) -> [String] {
    // A descriptor of its own: reading moves the position, and closedir closes.
    let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw .system(errno, "list", at: location) }
    guard let stream = fdopendir(number) else {
      let code = errno
      Glibc.close(number)
      throw .system(code, "list", at: location)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    if errno != 0 { throw .system(errno, "list", at: location) }
    return names
  }

  public func open(_ name: String, create: Bool) throws(SoftadastraError) -> any DiskFile {
    let number = openat(
      directory.number, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), Self.fileMode)
    guard number >= 0 else { throw .system(errno, "open", at: path(name)) }
    return SystemFile(Descriptor(number), location: path(name))
  }

  public func rename(_ from: String, to: String) throws(SoftadastraError) {
    if renameat(directory.number, from, directory.number, to) < 0 { throw .system(errno, "rename", at: path(from)) }
  }

  public func remove(_ name: String) throws(SoftadastraError) {
    if unlinkat(directory.number, name, 0) < 0 { throw .system(errno, "remove", at: path(name)) }
  }

  public func syncDirectory() throws(SoftadastraError) {
    if fsync(directory.number) < 0 { throw .system(errno, "sync directory", at: location) }
  }

  public func lock(_ name: String) throws(SoftadastraError) -> any DiskLock {
    let number = openat(directory.number, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT, Self.fileMode)
    guard number >= 0 else { throw .system(errno, "lock", at: path(name)) }
    let descriptor = Descriptor(number)
    if flock(number, LOCK_EX | LOCK_NB) < 0 {
      guard errno == EWOULDBLOCK else { throw .system(errno, "lock", at: path(name)) }
      var text = [UInt8](repeating: 0, count: 20)
      let count = max(0, pread(number, &text, text.count, 0))
      let holder = String(decoding: text.prefix(count).filter { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)
      throw SoftadastraError(
        .conflict, "lock", at: path(name), why: "held by process \(holder.isEmpty ? "unknown" : holder)",
        hint: "stop that process, or use another directory")
    }
    // For people and for the message above; the kernel's lock alone decides.
    let text = Array("\(getpid())\n".utf8)
    guard ftruncate(number, 0) == 0, pwrite(number, text, text.count, 0) == text.count else {
      throw .system(errno, "lock", at: path(name))
    }
    return SystemLock(descriptor)
  }

  private func path(_ name: String) -> String { "\(location)/\(name)" }
}

/// Closes its number with its last reference.
private final class Descriptor: Sendable {
  let number: Int32
  init(_ number: Int32) { self.number = number }
  deinit { Glibc.close(number) }
}

private final class SystemLock: DiskLock {
  private let descriptor: Descriptor
  init(_ descriptor: Descriptor) { self.descriptor = descriptor }
}

private final class SystemFile: DiskFile {
  private let descriptor: Descriptor
  private let location: String

  init(_ descriptor: Descriptor, location: String) {
    self.descriptor = descriptor
    self.location = location
  }

  func size() throws(SoftadastraError) -> UInt64 {
    var status = stat()
    if fstat(descriptor.number, &status) < 0 { throw .system(errno, "size of", at: location) }
    return UInt64(max(0, status.st_size))
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor.number, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + done)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(errno, "read", at: location)
      }
      done += count
    }
    return done
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor.number, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(errno, "write", at: location)
      }
      done += count
    }
  }

  func sync() throws(SoftadastraError) {
    if fdatasync(descriptor.number) < 0 { throw .system(errno, "sync", at: location) }
  }

  func truncate(to size: UInt64) throws(SoftadastraError) {
    if ftruncate(descriptor.number, off_t(size)) < 0 { throw .system(errno, "truncate", at: location) }
  }
}
