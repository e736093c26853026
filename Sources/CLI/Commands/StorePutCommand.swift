internal import ArgumentParser
internal import Glibc
internal import SoftadastraCore
internal import SoftadastraNode

struct StorePutCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Put a value; it is on disk when the command returns.",
    discussion: """
      --if-version compares with this node's current version only. It is no agreement between nodes: a put elsewhere \
      at the same time may win later, as with any other conflict.

      Examples:
        softadastra store put theme dark
        softadastra store put logo - < logo.png
        softadastra store put lock $(hostname) --if-version absent
      """)

  @Argument(help: "The key.")
  var key: String

  @Argument(help: "The value, at most 8 MiB; '-' reads it from stdin.")
  var value: String

  @Option(
    help: ArgumentHelp(
      "Put only if the current version is this one; 'absent' for a key that must not exist. Else exit with 75.",
      valueName: "version"))
  var ifVersion: String?

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try StoreCommand.checkKey(key)
    let bytes = value == "-" ? try Input.all(limit: Bounds.maxValueBytes + 1) : Array(value.utf8)
    try StoreCommand.checkValue(bytes)
    let report = try await NodeAccess.with(try global.configuration(), create: true) { node in
      try await node.put(key: Array(key.utf8), value: bytes, ifVersion: ifVersion)
    }
    if output.json { try Output.json(report) }
  }
}

/// What comes in on stdin.
enum Input {
  /// Stops reading at `limit` bytes.
  static func all(limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < limit {
      let count = read(STDIN_FILENO, &chunk, min(chunk.count, limit - bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw SoftadastraError.system(errno, "cannot read", at: "stdin") }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
  }
}
