internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode
internal import SoftadastraWAL

struct LogCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wal",
    abstract: "Look into the node's log, check it, and make it smaller.",
    subcommands: [LogInspectCommand.self, LogVerifyCommand.self, LogCompactCommand.self])

  @OptionGroup var global: GlobalOptions

  /// The log's directory. Reading takes no lock: a running node is not disturbed.
  static func disk(_ home: Home) throws -> SystemDisk {
    do {
      return try SystemDisk(path: home.logDirectory, create: false)
    } catch {
      guard error.code == .notFound else { throw error }
      throw CommandFailure(
        "there is no log in \(BytePath.escape(home.path.utf8))", hint: "give the node's home with --home DIR")
    }
  }
}
