import Glibc

/// What one directory of the folder must hold in the end: only one person works in it for a round, on one machine.
///
/// Paths are relative to the folder; the directory itself is the first of them.
struct AreaModel {
  let name: String
  private(set) var entries: [String: DiskTree.Entry] = [:]

  init(name: String) {
    self.name = name
    entries[name] = Self.directory
  }

  static let directory = DiskTree.Entry(kind: .directory, mode: 0o755, modified: 0, content: [])

  var files: [String] { paths(.file) }
  var directories: [String] { paths(.directory) }
  /// Sorted, so that a choice by number is the same in every process.
  func paths(_ kind: DiskTree.Entry.Kind) -> [String] { entries.filter { $0.value.kind == kind }.map(\.key).sorted() }
  var all: [String] { entries.keys.filter { $0 != name }.sorted() }

  subscript(path: String) -> DiskTree.Entry? {
    get { entries[path] }
    set { entries[path] = newValue }
  }

  mutating func put(_ path: String, _ content: [UInt8], mode: mode_t = 0o644) {
    entries[path] = DiskTree.Entry(kind: .file, mode: entries[path]?.mode ?? mode, modified: 0, content: content)
  }

  mutating func remove(_ path: String) {
    for known in entries.keys where known == path || known.hasPrefix(path + "/") { entries[known] = nil }
  }

  mutating func move(_ from: String, to: String) {
    let moved = entries.filter { $0.key == from || $0.key.hasPrefix(from + "/") }
    remove(to)
    for (path, entry) in moved {
      entries[path] = nil
      entries[to + path.dropFirst(from.count)] = entry
    }
  }

  /// The first difference between what must be and what is.
  func difference(from tree: DiskTree) -> String? {
    let there = tree.entries.filter { $0.key == name || $0.key.hasPrefix(name + "/") }
    for path in Set(entries.keys).union(there.keys).sorted() {
      switch (entries[path], there[path]) {
      case (let wanted?, nil): return "\(path) is missing: \(wanted.summary)"
      case (nil, let found?): return "\(path) should not be there: \(found.summary)"
      case (let wanted?, let found?) where !wanted.isSame(as: found):
        return "\(path) should be \(wanted.summary), and is \(found.summary)"
      default: continue
      }
    }
    return nil
  }
}
