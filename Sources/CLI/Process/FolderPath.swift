internal import Glibc
internal import SoftadastraCore

/// A folder as given on the command line, checked before anything is changed for it.
enum FolderPath {
  /// The absolute path, symlinks resolved as far as it exists.
  static func absolute(_ path: String) -> String {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }

  /// Refuses what cannot be watched, in one line, with nothing changed.
  static func validated(_ path: String) throws -> String {
    let shown = BytePath.escape(path.utf8)
    var status = stat()
    guard stat(path, &status) == 0 else {
      let number = errno
      if number == ENOENT {
        throw CommandFailure("cannot watch \(shown): it does not exist", hint: "make it first: mkdir -p \(shown)")
      }
      throw SoftadastraError.system(number, "cannot watch", at: shown)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw CommandFailure("cannot watch \(shown): it is not a directory", hint: "give the directory that holds it")
    }
    guard access(path, R_OK | W_OK | X_OK) == 0 else {
      let number = errno
      let why = number == EACCES ? "it is not writable for this user" : "it is not writable"
      throw CommandFailure(
        "cannot watch \(shown): \(number == EROFS ? "it is on a read-only filesystem" : why)",
        hint: "check owner and permissions: ls -ld \(shown)")
    }
    return absolute(path)
  }
}
