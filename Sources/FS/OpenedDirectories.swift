internal import CLinux
internal import Glibc
public import SoftadastraCore
internal import Synchronization

/// Directories that their owner has made read-only, opened up for as long as a call of ours works in them: a peer's change to
/// what lies in one arrives all the same.
///
/// Whoever looks meanwhile is told the mode it is to have, so that nobody takes the other one for an edit. A kill in between,
/// which lasts microseconds, leaves the directory writable for its owner.
final class OpenedDirectories: Sendable {
  private struct Opened {
    /// As it was, and will be.
    var mode: UInt16
    var users = 1
    var openMode: UInt16 { mode | OpenedDirectories.writing }
  }

  /// What its owner needs to make and remove names in it.
  private static let writing: UInt16 = 0o300

  /// By inode.
  private let opened = Mutex<[UInt64: Opened]>([:])
  /// Nobody looks twice before the first was opened.
  private let wasUsed = Atomic(false)

  /// False, with nothing done, if it is not its mode that keeps the owner from writing, or it is somebody else's.
  func open(_ directory: Int32) -> Bool {
    wasUsed.store(true, ordering: .sequentiallyConsistent)
    return opened.withLock { opened in
      guard let status = look(directory) else { return false }
      if opened[status.inode] != nil {
        opened[status.inode]!.users += 1
        return true
      }
      let found = Opened(mode: status.mode)
      guard found.openMode != status.mode, linux_change_mode(directory, UInt32(found.openMode)) == 0 else {
        return false
      }
      opened[status.inode] = found
      return true
    }
  }

  func close(_ directory: Int32) {
    opened.withLock { opened in
      guard let status = look(directory), let found = opened[status.inode] else { return }
      guard found.users == 1 else { return opened[status.inode]!.users -= 1 }
      opened[status.inode] = nil
      // Another mode is somebody's by now.
      if status.mode == found.openMode { _ = linux_change_mode(directory, UInt32(found.mode)) }
    }
  }

  /// A directory is given a mode to keep.
  func setMode(_ directory: Int32, _ mode: UInt16) -> Int32 {
    guard wasUsed.load(ordering: .sequentiallyConsistent) else { return linux_change_mode(directory, UInt32(mode)) }
    return opened.withLock { opened in
      guard let inode = look(directory)?.inode, opened[inode] != nil else {
        return linux_change_mode(directory, UInt32(mode))
      }
      opened[inode]!.mode = mode
      return linux_change_mode(directory, UInt32(opened[inode]!.openMode))
    }
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
      opened.open(held.number)
    else { return false }
    defer { opened.close(held.number) }
    body()
    return true
  }
}
