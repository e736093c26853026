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

  /// As it may be typed on another machine, where the home has another place: the shell has put this one's in.
  static func belowHome(_ path: String, home: String? = getenv("HOME").map { String(cString: $0) }) -> String {
    guard let home, !home.isEmpty, home != "/", path.hasPrefix(home + "/") else { return BytePath.escape(path.utf8) }
    return "~" + BytePath.escape(path.dropFirst(home.count).utf8)
  }

  /// Refuses directories of one call that lie within each other, before any of them is taken.
  static func checkApart(_ paths: [String]) throws(SoftadastraError) {
    for inner in paths {
      if let outer = paths.first(where: { $0 != inner && inner.hasPrefix($0 + "/") }) {
        throw SoftadastraError(
          .conflict, "folder", at: BytePath.escape(inner.utf8), why: "it lies within \(BytePath.escape(outer.utf8))",
          hint: "watch the outer one, or folders beside each other")
      }
    }
  }

  /// What a path may mean to a node, the likeliest first: on disk from here, or as the node itself shows it.
  ///
  /// Only the directories are resolved: the last name is the thing itself, also where it is a symlink or is gone.
  static func spellings(_ path: String) -> [String] {
    var absolute = path
    if !path.hasPrefix("/"), let here = getcwd(nil, 0) {
      absolute = String(cString: here) + "/" + path
      free(here)
    }
    var names: [Substring] = []
    for name in absolute.split(separator: "/") where name != "." {
      if name == ".." { _ = names.popLast() } else { names.append(name) }
    }
    // The deepest directory that exists tells where the path really lies.
    for count in stride(from: max(0, names.count - 1), through: 1, by: -1) {
      guard let resolved = realpath("/" + names[..<count].joined(separator: "/"), nil) else { continue }
      defer { free(resolved) }
      let found = String(cString: resolved) + "/" + names[count...].joined(separator: "/")
      return found == path ? [found] : [found, path]
    }
    let found = "/" + names.joined(separator: "/")
    return found == path ? [found] : [found, path]
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
