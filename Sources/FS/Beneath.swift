internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// Opens paths beneath a held directory without ever following a symlink, or going over to another filesystem (EXDEV).
///
/// One `openat2` where the kernel has it; else, and for paths longer than the kernel takes at once, one `openat` with
/// O_NOFOLLOW a component. Directory descriptors are not cached between calls: a resolved parent costs 1 to 2 µs,
/// against 40 µs and more for the creation that follows, and a stale one would put the file into a renamed directory.
enum Beneath {
  private static let lacksOpenat2 = Atomic<Bool>(false)
  /// The kernel takes paths of at most this many bytes, the final NUL not counted.
  private static let maxKernelPathBytes = 4095
  /// Only when another process renames directories in the very moment.
  private static let maxAgain = 8

  /// Returns a descriptor or -errno. A symlink in the place of a directory counts as ENOTDIR.
  static func open(_ root: Int32, _ path: some Collection<UInt8>, flags: Int32, mode: UInt32 = 0) -> Int32 {
    let flags = flags | O_CLOEXEC | O_NOFOLLOW
    if path.isEmpty { return linux_openat(root, ".", flags, mode) }
    if !lacksOpenat2.load(ordering: .relaxed), path.count <= maxKernelPathBytes {
      for _ in 0..<maxAgain {
        let result = withCPath(path) { linux_open_beneath(root, $0, flags, mode) }
        switch -result {
        case ENOSYS: lacksOpenat2.store(true, ordering: .relaxed)
        case EAGAIN: continue
        case ELOOP where flags & linux_o_directory != 0: return -ENOTDIR
        default: return result
        }
        break
      }
    }
    return walk(root, path, flags: flags, mode: mode)
  }

  /// One component at a time. Internal for its test.
  static func walk(_ root: Int32, _ path: some Collection<UInt8>, flags: Int32, mode: UInt32) -> Int32 {
    var held: Int32 = -1
    guard let device = device(of: root) else { return -EBADF }
    defer { if held >= 0 { close(held) } }
    var rest = path[...]
    while let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
      let name = rest[..<slash]
      guard !name.elementsEqual("..".utf8), !name.isEmpty else { return -EXDEV }
      let through = linux_o_path | linux_o_directory | O_NOFOLLOW | O_CLOEXEC
      let next = withCPath(name) { linux_openat(held >= 0 ? held : root, $0, through, 0) }
      guard next >= 0 else { return next == -ELOOP ? -ENOTDIR : next }
      if held >= 0 { close(held) }
      held = next
      guard self.device(of: held) == device else { return -EXDEV }
      rest = rest[rest.index(after: slash)...]
    }
    guard !rest.elementsEqual("..".utf8), !rest.isEmpty else { return -EXDEV }
    let last = withCPath(rest) { linux_openat(held >= 0 ? held : root, $0, flags, mode) }
    // Of a file it says nothing: filesystems that are laid over each other give each its own.
    guard last < 0 || flags & linux_o_directory == 0 || self.device(of: last) == device else {
      close(last)
      return -EXDEV
    }
    return last
  }

  private static func device(of descriptor: Int32) -> UInt64? {
    var raw = linux_status()
    return linux_fstat(descriptor, &raw) == 0 ? raw.device : nil
  }
}
