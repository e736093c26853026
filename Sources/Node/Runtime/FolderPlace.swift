internal import Glibc
internal import SoftadastraCore

/// Checks of a directory that is to be mirrored, before anything is changed.
enum FolderPlace {
  /// The absolute path without symlinks. One clear error for whatever is wrong.
  static func checked(_ path: String, others: [String], home: String) throws(SoftadastraError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw SoftadastraError.system(errno, "folder", at: path)
    }
    defer { free(resolved) }
    let absolute = String(cString: resolved)
    var status = stat()
    guard stat(absolute, &status) == 0 else { throw SoftadastraError.system(errno, "folder", at: path) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw SoftadastraError(.invalid, "folder", at: path, why: "it is not a directory")
    }
    guard access(absolute, R_OK | W_OK | X_OK) == 0 else { throw SoftadastraError.system(errno, "folder", at: path) }
    for other in others where other != absolute {
      if isWithin(absolute, other) {
        throw SoftadastraError(.conflict, "folder", at: path, why: "it lies inside \(other), which is watched already")
      }
      if isWithin(other, absolute) {
        throw SoftadastraError(.conflict, "folder", at: path, why: "it contains \(other), which is watched already")
      }
    }
    if let resolvedHome = realpath(home, nil) {
      defer { free(resolvedHome) }
      if isWithin(String(cString: resolvedHome), absolute) {
        throw SoftadastraError(
          .conflict, "folder", at: path, why: "this node's own state lies in it, at \(home)",
          hint: "choose another folder, or another --home")
      }
    }
    try refuseNested(absolute, path)
    return absolute
  }

  /// Inside another mirrored folder, whichever node it belongs to.
  private static func refuseNested(_ absolute: String, _ shown: String) throws(SoftadastraError) {
    var parent = absolute
    while let slash = parent.lastIndex(of: "/"), parent.count > 1 {
      parent = slash == parent.startIndex ? "/" : String(parent[..<slash])
      let marker = parent == "/" ? "/.softadastra/folder" : parent + "/.softadastra/folder"
      if access(marker, F_OK) == 0 {
        throw SoftadastraError(
          .conflict, "folder", at: shown, why: "it lies inside \(parent), which is a mirrored folder already")
      }
      if parent == "/" { return }
    }
  }

  static func name(of path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? "root"
    return String(name.prefix(FolderRecord.maxNameBytes / 4))
  }

  private static func isWithin(_ path: String, _ directory: String) -> Bool {
    path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
  }
}
