public import SoftadastraCore

/// Which rule ignores a path.
public struct IgnoreMatch: Sendable, Hashable, CustomStringConvertible {
  /// The line as written, control bytes escaped.
  public let rule: String
  /// The rule file; nil for the built-in rules.
  public let file: BytePath?
  /// From 1; 0 for the built-in rules.
  public let line: Int

  public var description: String {
    guard let file else { return "built in: \(rule)" }
    return "\(file):\(line): \(rule)"
  }
}

/// The ignore rules of a folder: `.softadastraignore` files at any depth, with gitignore's syntax and meaning.
///
/// The last matching line decides; files deeper in the tree come after those above; `!` takes a path back in, but not
/// below a directory that is itself ignored. Rule files are synchronised like any other file. Built in: `.softadastra`
/// in the root. Without any rule a question costs a few nanoseconds.
public struct IgnoreRules: Sendable {
  public static let fileName = ".softadastraignore"
  /// A longer file is cut there: it is a mistake, not a rule file.
  public static let maxFileBytes = 1 << 20

  private struct Rule: Sendable {
    let pattern: IgnorePattern
    let line: Int
    let text: [UInt8]
  }

  private var files: [BytePath: [Rule]] = [:]

  public init() {}

  /// True if there are only the built-in rules.
  public var isEmpty: Bool { files.isEmpty }

  /// The directories that have a rule file.
  public var directories: [BytePath] { files.keys.sorted() }

  /// Takes the content of the rule file in `directory` in place of what it had.
  public mutating func set(_ directory: BytePath, contents: [UInt8]) {
    var rules: [Rule] = []
    var contents = contents.prefix(Self.maxFileBytes)
    if contents.starts(with: [0xEF, 0xBB, 0xBF]) { contents = contents.dropFirst(3) }
    for (index, line) in contents.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      guard let pattern = IgnorePattern(line: line) else { continue }
      rules.append(Rule(pattern: pattern, line: index + 1, text: Array(line)))
    }
    files[directory] = rules.isEmpty ? nil : rules
  }

  /// Forgets the rule files at and below `directory`.
  public mutating func remove(_ directory: BytePath) {
    files[directory] = nil
    if !files.isEmpty { files = files.filter { !$0.key.isWithin(directory) } }
  }

  /// Reads the rule file in `directory`, if the listing has one as a regular file; else forgets what it had.
  public mutating func load(_ directory: BytePath, from volume: any Volume) throws(SoftadastraError) {
    let path = directory.appending(Self.fileName)
    guard let status = try volume.status(path), status.kind == .file else {
      files[directory] = nil
      return
    }
    let file: any ReadableFile
    do throws(SoftadastraError) {
      file = try volume.openForReading(path)
    } catch {
      guard error.code == .notFound || error.code == .changed else { throw error }
      files[directory] = nil
      return
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(min(status.size, UInt64(Self.maxFileBytes))), alignment: 1)
    defer { buffer.deallocate() }
    let count = try file.read(at: 0, into: buffer)
    set(directory, contents: Array(buffer[..<count]))
  }

  /// The rule that ignores the path itself or a directory above it; nil if none does.
  public func match(_ path: BytePath, isDirectory: Bool) -> IgnoreMatch? {
    if let own = Self.builtIn(path) { return own }
    if files.isEmpty || path.isRoot { return nil }
    var end = path.bytes.startIndex
    while let slash = path.bytes[end...].firstIndex(of: UInt8(ascii: "/")) {
      if let found = decide(path.bytes[..<slash], isDirectory: true) { return found }
      end = slash + 1
    }
    return decide(path.bytes[...], isDirectory: isDirectory)
  }

  /// The same for a path whose parents are known not to be ignored: what a walk from above wants.
  public func matchBelowKnownParent(_ path: BytePath, isDirectory: Bool) -> IgnoreMatch? {
    if let own = Self.builtIn(path) { return own }
    return files.isEmpty || path.isRoot ? nil : decide(path.bytes[...], isDirectory: isDirectory)
  }

  private static func builtIn(_ path: BytePath) -> IgnoreMatch? {
    guard path.bytes.first == UInt8(ascii: "."), path.isReserved else { return nil }
    return IgnoreMatch(rule: "/.softadastra/", file: nil, line: 0)
  }

  /// Asks the files from the deepest up; within a file the last line first.
  private func decide(_ path: ArraySlice<UInt8>, isDirectory: Bool) -> IgnoreMatch? {
    var nameStart = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? path.startIndex
    let name = path[nameStart...]
    while true {
      let isTop = nameStart == path.startIndex
      let directory = BytePath(unchecked: Array(path[..<(isTop ? nameStart : nameStart - 1)]))
      if let rules = files[directory] {
        let relative = path[nameStart...]
        for rule in rules.reversed() where isDirectory || !rule.pattern.onlyDirectories {
          guard rule.pattern.matches(rule.pattern.isAnchored ? relative : name) else { continue }
          if rule.pattern.isNegated { return nil }
          return IgnoreMatch(
            rule: BytePath.escape(rule.text), file: directory.appending(Self.fileName), line: rule.line)
        }
      }
      if isTop { return nil }
      let above = path[..<(nameStart - 1)]
      nameStart = above.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? path.startIndex
    }
  }
}
