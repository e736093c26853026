internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// A folder on a Linux filesystem, held by a descriptor of its root.
///
/// Nothing outside the root is ever touched, whatever symlinks or renames other processes put in the way: every call
/// resolves the parent beneath the held root without following symlinks, then acts on one name in it. The staging area
/// is `.softadastra/` in the root; `prepareStaging()` makes it. Set-uid, set-gid and sticky bits are never set.
public final class LinuxVolume: Volume {
  /// What the filesystem can do; anything missing has a slower way.
  public struct Features: Sendable, Hashable {
    /// O_TMPFILE, linked through `/proc/self/fd`.
    public var hasUnnamedFiles = true
    /// RENAME_EXCHANGE. Without it a replacement has a short moment in which another program's save can be lost.
    public var hasExchange = true
    /// RENAME_NOREPLACE.
    public var hasNoReplace = true
  }

  struct Properties {
    var features = Features()
    var granularity: Int64 = 10_000_000
    var held = HeldAttributes.all
    /// The permissions that a new file in the staging area keeps of those it is made with; nil before that was tried.
    var keptPermissions: UInt16?
  }

  public let location: String
  let root: Descriptor
  /// The device of the root: other filesystems mounted below are not part of the folder.
  public let device: UInt64
  /// Names the filesystem and the directory on it; another one means that a different disk is mounted at this path.
  public let filesystemIdentity: UInt64

  let properties = Mutex(Properties())
  let openedDirectories = OpenedDirectories()
  /// Called on whichever thread archives something.
  /// In a box: a bare closure behind a generic `inout` gains a thunk at each access.
  struct ArchiveListener: Sendable {
    let tell: @Sendable (ArchivedFile) -> Void
  }
  let onArchived = Mutex<ArchiveListener?>(nil)
  private let nameSeed = SystemRandom().next()
  private let nameCounter = Atomic<UInt64>(0)

  /// Opens the directory; creates nothing. Measures the filesystem if the staging area is there already.
  ///
  /// - Throws: `.notFound` if there is no directory at this path, `.permission` if it cannot be read.
  public init(root path: String) throws(SoftadastraError) {
    let absolute = Self.absolute(path)
    location = absolute
    let shown = BytePath.escape(Array(absolute.utf8))
    let number = linux_openat(AT_FDCWD, absolute, O_RDONLY | linux_o_directory | O_CLOEXEC, 0)
    guard let opened = Descriptor(number) else { throw .system(-number, "cannot open the folder", at: shown) }
    var raw = linux_status()
    let result = linux_fstat(opened.number, &raw)
    guard result == 0 else { throw .system(-result, "cannot read the folder", at: shown) }
    device = raw.device
    let identity = (raw.device, raw.inode, linux_filesystem_type(opened.number))
    filesystemIdentity = withUnsafeBytes(of: identity) { Checksum.xxh3($0) }
    root = opened
    if let staging = Descriptor(Beneath.open(root.number, Self.stagingPath, flags: Self.throughFlags)) {
      probe(staging.number)
    }
  }

  private static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + path
  }

  public var features: Features { properties.withLock { $0.features } }

  /// Two states of a file that differ in content may carry equal times only if both lie within this span: 0 where the
  /// kernel makes times differ once they were asked for, 10 ms or 2 s elsewhere.
  public var timestampGranularityNanoseconds: Int64 { properties.withLock { $0.granularity } }

  public var heldAttributes: HeldAttributes { properties.withLock { $0.held } }

  // MARK: Paths

  static let throughFlags = linux_o_path | linux_o_directory
  static let stagingPath = Array(".softadastra/staging".utf8)
  static let trashPath = Array(".softadastra/trash".utf8)
  static let versionsPath = Array(".softadastra/versions".utf8)

  /// A name that was never used in this staging area: random per volume, counted within.
  func uniqueName(_ prefix: String) -> String {
    let count = nameCounter.wrappingAdd(1, ordering: .relaxed).newValue
    return prefix + String(nameSeed, radix: 36) + "-" + String(count, radix: 36)
  }

  func fail(_ result: some BinaryInteger, _ what: String, _ path: BytePath) -> SoftadastraError {
    if Int64(result) == -Int64(EXDEV) {
      return SoftadastraError(
        .unsupported, what, at: describe(path),
        why: "another filesystem is mounted there, which is not part of the folder",
        hint: "watch it as a folder of its own")
    }
    return .system(Int32(-Int64(result)), what, at: describe(path))
  }

  func describe(_ path: BytePath) -> String {
    let base = BytePath.escape(Array(location.utf8))
    return path.isRoot ? base : base + "/" + path.description
  }

  /// Refuses what would mean something else to the kernel: NUL, empty names, `.` and `..`.
  func validate(_ path: BytePath) throws(SoftadastraError) {
    var dots = 0
    var length = 0
    for byte in path.bytes {
      if byte == UInt8(ascii: "/") {
        guard length > 0, !(dots == length && length <= 2) else { throw fail(-EINVAL, "cannot use", path) }
        dots = 0
        length = 0
      } else {
        guard byte != 0 else { throw fail(-EINVAL, "cannot use", path) }
        if byte == UInt8(ascii: ".") { dots += 1 }
        length += 1
      }
    }
    guard path.isRoot || (length > 0 && !(dots == length && length <= 2)) else {
      throw fail(-EINVAL, "cannot use", path)
    }
  }

  /// Opens the directory that holds `path`, for calls relative to it.
  func parent(of path: BytePath, _ what: String) throws(SoftadastraError) -> HeldDirectory {
    guard !path.isRoot else { throw fail(-EINVAL, what, path) }
    try validate(path)
    let name = path.name
    let length = max(0, path.bytes.count - name.count - 1)
    return try directory(path.bytes.prefix(length), what, path)
  }

  func directory(_ bytes: some Collection<UInt8>, _ what: String, _ path: BytePath) throws(SoftadastraError)
    -> HeldDirectory
  {
    let (directory, result) = hold(bytes)
    guard let directory else { throw fail(result, what, path) }
    return directory
  }

  func status(in directory: Int32, _ name: some Collection<UInt8>, _ what: String, _ path: BytePath)
    throws(SoftadastraError) -> FileStatus
  {
    var raw = linux_status()
    let result = withCPath(name) { linux_fstatat(directory, $0, AT_SYMLINK_NOFOLLOW, &raw) }
    guard result == 0 else { throw fail(result, what, path) }
    return FileStatus(raw)
  }

  // MARK: Looking

  public func status(_ path: BytePath) throws(SoftadastraError) -> FileStatus? {
    try validate(path)
    let name = path.isRoot ? [UInt8(ascii: ".")][...] : path.name
    let result: Int32
    if path.isRoot || name.count == path.bytes.count {
      // Directly below the root there is nothing to resolve.
      let looked = withCPath(name) { look(at: $0, in: root.number) }
      if let status = looked.status { return status }
      result = looked.result
    } else {
      let (parent, held) = hold(path.bytes.dropLast(name.count + 1))
      let looked = parent.map { parent in withCPath(name) { look(at: $0, in: parent.number) } }
      if let status = looked?.status { return status }
      result = looked?.result ?? held
    }
    // A parent that is a symlink or a file: nothing of ours is there.
    if [ENOENT, ENOTDIR, ELOOP].contains(-result) { return nil }
    throw fail(result, "cannot look at", path)
  }

  /// Where another filesystem is mounted, what it hides is not gone, and what it shows is not part of the folder.
  private func look(at name: UnsafePointer<CChar>, in directory: Int32) -> (status: FileStatus?, result: Int32) {
    var raw = linux_status()
    let result = linux_fstatat(directory, name, AT_SYMLINK_NOFOLLOW, &raw)
    guard result == 0 else { return (nil, result) }
    var status = FileStatus(raw)
    guard status.kind == .directory else { return (status, 0) }
    if status.device != device {
      status.kind = .other
      return (status, 0)
    }
    let settled = openedDirectories.settled(status) {
      linux_fstatat(directory, name, AT_SYMLINK_NOFOLLOW, &raw) == 0 ? FileStatus(raw) : nil
    }
    return (settled, 0)
  }

  public func list(_ directory: BytePath) throws(SoftadastraError) -> [DirectoryItem] {
    try validate(directory)
    let result = Beneath.open(root.number, directory.bytes, flags: O_RDONLY | linux_o_directory)
    guard let opened = Descriptor(result) else { throw fail(result, "cannot list", directory) }
    var items: [DirectoryItem] = []
    var failure: Int32 = 0
    let end = DirectoryReader.forEachName(opened.number) { name, _, bytes in
      let (status, result) = look(at: name, in: opened.number)
      if let status {
        items.append(DirectoryItem(name: Array(bytes), status: status))
      } else if result != -ENOENT {
        failure = result
        return false
      }
      return true
    }
    // An error in the middle must never look like a short listing.
    if failure != 0 { throw fail(failure, "cannot list", directory) }
    if end != 0 { throw fail(end, "cannot list", directory) }
    return items
  }

  public func openForReading(_ path: BytePath) throws(SoftadastraError) -> any ReadableFile {
    let opened = try descriptor(forReading: path)
    var raw = linux_status()
    let looked = linux_fstat(opened.number, &raw)
    guard looked == 0 else { throw fail(looked, "cannot open", path) }
    let status = FileStatus(raw)
    guard status.kind == .file else { throw notAFile(path) }
    return LinuxFile(opened, status, of: self, at: path)
  }

  public func openForReading(_ path: BytePath, lookedAt status: FileStatus) throws(SoftadastraError)
    -> any ReadableFile
  {
    LinuxFile(try descriptor(forReading: path), status, of: self, at: path)
  }

  private func descriptor(forReading path: BytePath) throws(SoftadastraError) -> Descriptor {
    try validate(path)
    // O_NONBLOCK: a FIFO put in the place of the file must not hang the caller.
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
    // Reading for others is no use by the owner, and an access time is one more change to write to the disk.
    var result = openBeneath(path, flags: flags | linux_o_noatime)
    if result == -EPERM { result = openBeneath(path, flags: flags) }
    guard let opened = Descriptor(result) else {
      if result == -ELOOP { throw notAFile(path) }
      throw fail(result, "cannot open", path)
    }
    return opened
  }

  private func notAFile(_ path: BytePath) -> SoftadastraError {
    SoftadastraError(.changed, "cannot open", at: describe(path), why: "it is no regular file any more")
  }

  public func readLink(_ path: BytePath) throws(SoftadastraError) -> [UInt8] {
    let parent = try parent(of: path, "cannot read link")
    var failure: Int64 = 0
    let target = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      let result = withCPath(path.name) { linux_readlinkat(parent.number, $0, buffer.baseAddress, buffer.count) }
      if result < 0 { failure = result } else { count = Int(result) }
    }
    if failure == -Int64(EINVAL) {
      throw SoftadastraError(.changed, "cannot read link", at: describe(path), why: "it is no symlink any more")
    }
    if failure != 0 { throw fail(failure, "cannot read link", path) }
    return target
  }

  public func barrier() throws(SoftadastraError) {
    let result = linux_syncfs(root.number)
    guard result == 0 else { throw fail(result, "cannot sync the filesystem of", .root) }
  }

  public func freeBytes() throws(SoftadastraError) -> UInt64 { try space().free }

  public func space() throws(SoftadastraError) -> VolumeSpace {
    var available: UInt64 = 0
    var total: UInt64 = 0
    let result = linux_space(root.number, &available, &total)
    guard result == 0 else { throw fail(result, "cannot measure free space of", .root) }
    return VolumeSpace(free: available, total: total)
  }
}
