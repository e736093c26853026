internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Print all keys and values as JSON lines, as 'store import' reads them.",
    discussion: """
      Example:
        softadastra store export > values.jsonl
      """)

  @Argument(help: "Only keys that start with this.")
  var prefix: String = ""

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await NodeAccess.with(try global.configuration()) { node in
      try await StoreCommand.each(prefix, of: node) { listed in
        do {
          let value = try await node.get(key: listed.keyBytes)
          Output.result(try JSONText.line(value))
        } catch let error as SoftadastraError {
          // Not found: removed since it was listed.
          if error.code != .notFound { throw error }
        }
      }
    }
  }
}
