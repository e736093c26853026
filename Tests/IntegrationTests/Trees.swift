import Foundation
import Glibc

/// Folders as an outsider sees them: everything that must be equal on both sides, read without the program's own code.
enum Trees {
  struct Entry: Equatable {
    var kind: mode_t
    var mode: mode_t
    /// 0 for directories, whose times are their own.
    var modified: Int64
    var content: Data
  }

  private static let attempts = 50

  /// Paths with bytes that are no UTF-8 as Latin-1 text, so that different names stay different. A tree that changes
  /// while it is read is read again.
  static func read(_ root: String) throws -> [String: Entry] {
    for _ in 1..<attempts { if let found = try? readOnce(root) { return found } }
    return try readOnce(root)
  }

  private static func readOnce(_ root: String) throws -> [String: Entry] {
    var found: [String: Entry] = [:]
    try walk(Array(root.utf8), [], &found)
    return found
  }

  /// Nil if equal; else the first difference in words.
  static func difference(_ a: String, _ b: String) throws -> String? {
    let one = try read(a)
    let two = try read(b)
    for path in Set(one.keys).union(two.keys).sorted() where one[path] != two[path] {
      guard let here = one[path] else { return "\(path) is only in the second" }
      guard let there = two[path] else { return "\(path) is only in the first" }
      if here.kind != there.kind { return "\(path) is of another kind" }
      if here.content != there.content {
        return "\(path): \(here.content.count) and \(there.content.count) bytes differ"
      }
      if here.mode != there.mode { return "\(path): mode \(here.mode) and \(there.mode)" }
      return "\(path): modified \(here.modified) and \(there.modified)"
    }
    return nil
  }

  static func untilEqual(_ a: String, _ b: String, within patience: Duration) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while true {
      let begun = clock.now
      // A tree that changes while it is read is simply not equal yet.
      let found: String
      do {
        guard let difference = try difference(a, b) else { return }
        found = difference
      } catch {
        found = "it could not be read: \(error)"
      }
      guard clock.now < deadline else { throw Failure("not equal within \(patience): \(found)") }
      try await Task.sleep(for: max(.milliseconds(10), (clock.now - begun) * 2))
    }
  }

  private static func walk(_ root: [UInt8], _ relative: [UInt8], _ found: inout [String: Entry]) throws {
    let directory = relative.isEmpty ? root : root + [0x2F] + relative
    guard let stream = opendir(cString(directory)) else { throw Failure("cannot list") }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [0x2E] || name == [0x2E, 0x2E] { continue }
      if relative.isEmpty, name == Array(".softadastra".utf8) { continue }
      let path = relative.isEmpty ? name : relative + [0x2F] + name
      let full = cString(root + [0x2F] + path)
      guard let status = DiskStatus(full) else { throw Failure("vanished") }
      let kind = status.kind
      var content = Data()
      switch kind {
      case S_IFREG: content = try contents(full)
      case S_IFLNK:
        var target = [UInt8](repeating: 0, count: 4096)
        let count = readlink(full, &target, target.count)
        content = Data(target.prefix(max(0, count)))
      default: break
      }
      found[String(decoding: path.map { UInt16($0) }, as: UTF16.self)] = Entry(
        kind: kind, mode: kind == S_IFLNK ? 0 : status.permissions,
        modified: kind == S_IFDIR ? 0 : status.modifiedNanoseconds,
        content: content)
      if kind == S_IFDIR { try walk(root, path, &found) }
    }
  }

  private static func contents(_ path: [CChar]) throws -> Data {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Failure("cannot open") }
    defer { close(descriptor) }
    var data = Data()
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw Failure("cannot read") }
      if count == 0 { return data }
      data.append(contentsOf: chunk[..<count])
    }
  }

  private static func cString(_ bytes: [UInt8]) -> [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
