internal import ArgumentParser
internal import FoundationEssentials
internal import SoftadastraCore
internal import SoftadastraFS

struct FileSystemScanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Print everything below a directory, with what is compared between machines.",
    discussion: """
      Exits with 1 when a part of it could not be read; which, is said on stderr.

      Example:
        softadastra fs scan ~/Shared
      """)

  /// One element of `fs scan --json`.
  struct Item: Codable, Equatable {
    var path: String
    var pathBase64: String?
    /// `file`, `directory`, `symlink` or `other`.
    var kind: String
    var size: UInt64
    /// Octal, as chmod takes it.
    var mode: String
    var modifiedNanoseconds: Int64

    init(_ entry: Snapshot.Entry) {
      (path, pathBase64) = PathText.fields(entry.path)
      kind = entry.status.kind.word
      size = entry.status.size
      let octal = String(entry.status.permissions, radix: 8)
      mode = String(repeating: "0", count: 4 - octal.count) + octal
      modifiedNanoseconds = entry.status.modifiedNanoseconds
    }
  }

  @Argument(help: ArgumentHelp("The directory.", valueName: "dir"), completion: .directory)
  var directory: String

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let directory = self.directory
    let snapshot = try await WorkerPool(threads: 1, name: "scan").run { () throws(SoftadastraError) -> Snapshot in
      try Snapshot.take(of: try LinuxVolume(root: directory))
    }
    let items = snapshot.entries.map(Item.init)
    if output.json {
      try Output.json(items)
    } else {
      var table = Table(["KIND", "MODE", "SIZE", "PATH"], rightAligned: [2], style: global.style)
      for item in items {
        table.add([item.kind, item.mode, item.kind == "file" ? Quantity.bytes(item.size) : "-", item.path])
      }
      Output.result(table.text)
    }
    for failure in snapshot.failures { Output.message("\(failure.path): \(failure.error)") }
    if !snapshot.failures.isEmpty { throw ExitCode(Program.Exit.failed) }
  }
}

extension FileKind {
  var word: String {
    switch self {
    case .file: "file"
    case .directory: "directory"
    case .symlink: "symlink"
    case .other: "other"
    }
  }
}

/// Paths in JSON: escaped for people in `path`, and exactly in `pathBase64` where they are no UTF-8.
enum PathText {
  static func fields(_ path: BytePath) -> (String, String?) {
    if let text = String(validating: path.bytes, as: UTF8.self) { return (text, nil) }
    return (path.description, Data(path.bytes).base64EncodedString())
  }
}
