import Glibc

/// What the filesystem says of one name, links not followed.
struct DiskStatus {
  let mode: mode_t
  let inode: UInt
  let accessed: timespec
  let modified: timespec

  var kind: mode_t { mode & S_IFMT }
  var permissions: mode_t { mode & 0o777 }
  var modifiedNanoseconds: Int64 { Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec) }

  /// Nil if there is nothing of that name.
  init?(_ path: String) { self.init(Array(path.utf8CString)) }

  /// - Parameter path: ends with NUL.
  init?(_ path: [CChar]) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    mode = status.st_mode
    inode = UInt(status.st_ino)
    accessed = status.st_atim
    modified = status.st_mtim
  }
}
