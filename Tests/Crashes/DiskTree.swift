import Glibc

/// A folder as an outsider sees it, read without the program's own code.
struct DiskTree: Equatable {
  struct Entry: Equatable {
    enum Kind: Equatable { case file, directory, symlink, other }
    var kind: Kind
    /// Permission bits; 0 for symlinks.
    var mode: mode_t
    /// Of files; 0 for others.
    var modified: Int64
    /// Bytes of a file, target of a symlink.
    var content: [UInt8]

    /// The same but for times, which a model does not know.
    func isSame(as other: Entry) -> Bool { kind == other.kind && mode == other.mode && content == other.content }

    var summary: String {
      switch kind {
      case .file: "file of \(content.count) bytes, mode \(String(mode, radix: 8)), \(Content.describe(content))"
      case .directory: "directory, mode \(String(mode, radix: 8))"
      case .symlink: "link to \(String(decoding: content, as: UTF8.self))"
      case .other: "something else"
      }
    }
  }

  var entries: [String: Entry] = [:]

  /// Everything below `root` but what is the program's own. Nil if it changed while it was read.
  static func read(_ root: String) -> DiskTree? {
    var tree = DiskTree()
    return tree.walk(root, "") ? tree : nil
  }

  /// Names in one directory; none if it cannot be read.
  static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private mutating func walk(_ root: String, _ relative: String) -> Bool {
    for name in Self.names(in: relative.isEmpty ? root : "\(root)/\(relative)") {
      if relative.isEmpty, name == ".softadastra" { continue }
      let path = relative.isEmpty ? name : "\(relative)/\(name)"
      guard let entry = Self.look("\(root)/\(path)") else { return false }
      entries[path] = entry
      if entry.kind == .directory, !walk(root, path) { return false }
    }
    return true
  }

  static func look(_ path: String) -> Entry? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    let mode = status.st_mode & 0o777
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return Entry(kind: .directory, mode: mode, modified: 0, content: [])
    case S_IFLNK:
      var target = [UInt8](repeating: 0, count: 4096)
      let count = readlink(path, &target, target.count)
      return count < 0 ? nil : Entry(kind: .symlink, mode: 0, modified: 0, content: Array(target[..<count]))
    case S_IFREG:
      guard let content = contents(path) else { return nil }
      let time = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
      return Entry(kind: .file, mode: mode, modified: time, content: content)
    default: return Entry(kind: .other, mode: mode, modified: 0, content: [])
    }
  }

  static func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    var content = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
    var count = 0
    while count < content.count {
      let got = content.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      guard got >= 0 else { return nil }
      if got == 0 { break }
      count += got
    }
    content.removeLast(content.count - count)
    return content
  }

  /// The first difference in words; nil if there is none.
  func difference(from other: DiskTree, _ here: String, _ there: String) -> String? {
    for path in Set(entries.keys).union(other.entries.keys).sorted() {
      switch (entries[path], other.entries[path]) {
      case (nil, let theirs?): return "\(path) is only in \(there): \(theirs.summary)"
      case (let ours?, nil): return "\(path) is only in \(here): \(ours.summary)"
      case (let ours?, let theirs?) where ours != theirs:
        return "\(path) differs: \(here) has \(ours.summary) of \(ours.modified), \(there) \(theirs.summary) of "
          + "\(theirs.modified)"
      default: continue
      }
    }
    return nil
  }
}
