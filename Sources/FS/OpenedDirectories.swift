internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// Directories that their owner has made read-only, opened up for as long as a call of ours works in them: a peer's change to
/// what lies in one arrives all the same.
///
/// Whoever looks meanwhile is told the mode it is to have, so that nobody takes the other one for an edit. A kill in between
/// leaves the directory writable for its owner, and the next start takes that for an edit; an owner who gives it just that
/// mode meanwhile finds it taken back. A set-group-ID bit that the caller may not set is lost.
final class OpenedDirectories: Sendable {
  private struct Opened {
    /// As it was, and will be.
    var mode: UInt16
    /// As it is now.
    var openMode: UInt16
    var users = 1
  }

  /// What its owner needs to make and remove names in it.
  private static let writing: UInt16 = 0o300

  /// By inode.
  private let opened = Mutex<[UInt64: Opened]>([:])
  /// Nobody looks twice before the first was opened.
  private let wasUsed = Atomic(false)

  /// The inode, for `close`. Nil, with nothing done, if it is not its mode that keeps the owner from writing, or it is
  /// somebody else's.
  func open(_ directory: Int32) -> UInt64? {
    wasUsed.store(true, ordering: .sequentiallyConsistent)
    return opened.withLock { opened in
      guard let status = look(directory) else { return nil }
      if opened[status.inode] != nil {
        opened[status.inode]!.users += 1
        return status.inode
      }
      guard status.mode & Self.writing != Self.writing, let openMode = openUp(directory, status.mode) else {
        return nil
      }
      opened[status.inode] = Opened(mode: status.mode, openMode: openMode)
      return status.inode
    }
  }

  func close(_ directory: Int32, _ inode: UInt64) {
    opened.withLock { opened in
      guard let found = opened[inode] else { return }
      guard found.users == 1 else { return opened[inode]!.users -= 1 }
      opened[inode] = nil
      // Another mode is somebody's by now.
      if look(directory).map({ $0.mode == found.openMode }) ?? true {
        _ = linux_change_mode(directory, UInt32(found.mode))
      }
    }
  }

  /// A directory is given a mode to keep. 0, or -errno.
  func setMode(_ directory: Int32, _ mode: UInt16) -> Int32 {
    guard wasUsed.load(ordering: .sequentiallyConsistent) else { return linux_change_mode(directory, UInt32(mode)) }
    return opened.withLock { opened in
      let result = linux_change_mode(directory, UInt32(mode))
      guard result == 0, let inode = look(directory)?.inode, opened[inode] != nil,
        let openMode = openUp(directory, mode)
      else { return result }
      opened[inode]!.mode = mode
      opened[inode]!.openMode = openMode
      return 0
    }
  }

  /// The mode that it has then: the kernel may leave out some of it.
  private func openUp(_ directory: Int32, _ mode: UInt16) -> UInt16? {
    guard linux_change_mode(directory, UInt32(mode | Self.writing)) == 0 else { return nil }
    if let now = look(directory)?.mode, now & Self.writing == Self.writing { return now }
    _ = linux_change_mode(directory, UInt32(mode))
    return nil
  }

  /// The status with the mode that the directory is to have.
  ///
  /// - Parameter again: looks once more, while none is opened or closed.
  func settled(_ status: FileStatus, again: () -> FileStatus?) -> FileStatus {
    guard status.kind == .directory, wasUsed.load(ordering: .sequentiallyConsistent) else { return status }
    return opened.withLock { opened in
      var now = again() ?? status
      if let found = opened[now.inode], now.mode == found.openMode { now.mode = found.mode }
      return now
    }
  }

  private func look(_ directory: Int32) -> FileStatus? {
    var raw = linux_status()
    return linux_fstat(directory, &raw) == 0 ? FileStatus(raw) : nil
  }
}

extension LinuxVolume {
  public func openingUp(_ directory: BytePath, _ body: () -> Void) -> Bool {
    guard let held = Descriptor(Beneath.open(root.number, directory.bytes, flags: Self.throughFlags)),
      let inode = openedDirectories.open(held.number)
    else { return false }
    defer { openedDirectories.close(held.number, inode) }
    body()
    return true
  }
}
