internal import SoftadastraCore

/// What a path is, as far as it matters to us.
public enum FileKind: UInt8, Sendable, Hashable {
  case file = 1
  case directory = 2
  case symlink = 3
  /// Devices, sockets, FIFOs, and directories on which another filesystem is mounted: listed with the reason, never
  /// synchronised.
  case other = 4
}

/// What `lstat` says about one path.
public struct FileStatus: Sendable, Hashable {
  public var kind: FileKind
  /// Permission bits, set-uid, set-gid and sticky included (07777).
  public var mode: UInt16
  public var size: UInt64
  public var modifiedNanoseconds: Int64
  public var changedNanoseconds: Int64
  public var inode: UInt64
  public var device: UInt64
  public var links: UInt64

  public init(
    kind: FileKind, mode: UInt16, size: UInt64, modifiedNanoseconds: Int64, changedNanoseconds: Int64, inode: UInt64,
    device: UInt64, links: UInt64 = 1
  ) {
    self.kind = kind
    self.mode = mode
    self.size = size
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedNanoseconds = changedNanoseconds
    self.inode = inode
    self.device = device
    self.links = links
  }

  /// The permission bits that travel: rwx for user, group and others.
  public var permissions: UInt16 { mode & 0o777 }

  /// The same file in the same state, as far as a move does not change it: moving a file changes its ctime.
  public func isSameFile(as other: FileStatus) -> Bool {
    inode == other.inode && size == other.size && modifiedNanoseconds == other.modifiedNanoseconds
      && kind == other.kind
  }

  /// Names one state of one file: kind, inode, size, mtime and ctime in 64 bits, never 0.
  ///
  /// Equal fingerprints mean an unchanged file, except for a write within the filesystem's timestamp granularity.
  /// Of a directory only kind, inode and mode count: its times change with its children.
  public var fingerprint: UInt64 {
    let fields: (UInt64, UInt64, UInt64, Int64, Int64) =
      kind == .directory
      ? (UInt64(kind.rawValue), inode, UInt64(mode), 0, 0)
      : (UInt64(kind.rawValue), inode, size, modifiedNanoseconds, changedNanoseconds)
    let digest = withUnsafeBytes(of: fields) { Checksum.xxh3($0) }
    return digest == 0 ? 1 : digest
  }
}

/// One name in a directory listing.
public struct DirectoryItem: Sendable, Hashable {
  public let name: [UInt8]
  public let status: FileStatus
  public init(name: [UInt8], status: FileStatus) {
    self.name = name
    self.status = status
  }
}
