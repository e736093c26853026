internal import CLinux
internal import Glibc

/// An open file descriptor with one owner; closed when the owner goes.
struct Descriptor: ~Copyable, Sendable {
  let number: Int32

  /// Nil for the negative result of a failed call.
  init?(_ result: Int32) {
    guard result >= 0 else { return nil }
    number = result
  }

  init(owning number: Int32) { self.number = number }

  deinit { _ = close(number) }
}

/// A name or path as C wants it. Copies to the stack for all but the longest.
///
/// The bytes must hold no NUL: callers check names first (`LinuxVolume.split`), or have them from the kernel.
func withCPath<R>(_ bytes: some Collection<UInt8>, _ body: (UnsafePointer<CChar>) -> R) -> R {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count + 1) { buffer in
    _ = buffer.initialize(from: bytes)
    buffer.initializeElement(at: bytes.count, to: 0)
    return buffer.baseAddress!.withMemoryRebound(to: CChar.self, capacity: bytes.count + 1) { body($0) }
  }
}

extension FileStatus {
  init(_ raw: linux_status) {
    let kind: FileKind =
      switch raw.mode & UInt32(S_IFMT) {
      case UInt32(S_IFREG): .file
      case UInt32(S_IFDIR): .directory
      case UInt32(S_IFLNK): .symlink
      default: .other
      }
    self.init(
      kind: kind, mode: UInt16(raw.mode & 0o7777), size: raw.size, modifiedNanoseconds: raw.modified_ns,
      changedNanoseconds: raw.changed_ns, inode: raw.inode, device: raw.device, links: raw.links)
  }
}
