internal import Glibc

extension SoftadastraError {
  static func errnoText(_ number: Int32) -> String {
    String(cString: strerror(number))
  }

  /// Maps an `errno` to what a caller can do about it.
  static func classify(_ number: Int32) -> (Code, String) {
    switch number {
    case ENOENT, ENOTDIR: (.notFound, "")
    case EEXIST, ENOTEMPTY, EBUSY, EADDRINUSE: (.conflict, "")
    case EACCES, EPERM: (.permission, "check owner and permissions")
    case ENOSPC: (.noSpace, "free some space; it goes on by itself")
    case EDQUOT: (.quota, "the quota is used up; it goes on by itself when there is room")
    case EROFS: (.readOnly, "the filesystem is mounted read-only")
    case EMFILE, ENFILE: (.tooManyFiles, "raise the limit of open files (ulimit -n)")
    case ENOMEM: (.limit, "")
    case EIO: (.device, "check the disk")
    case EINVAL, ENAMETOOLONG, ELOOP, EXDEV, EILSEQ: (.invalid, "")
    case EOPNOTSUPP, ENOSYS: (.unsupported, "")
    default: (.device, "")
    }
  }
}
