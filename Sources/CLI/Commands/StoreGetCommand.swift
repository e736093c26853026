internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print a value: its bytes and nothing else.",
    discussion: """
      With --json also its version, which 'put --if-version' takes.

      Examples:
        softadastra store get theme
        softadastra store get --json theme
      """)

  @Argument(help: "The key.")
  var key: String

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try StoreCommand.checkKey(key)
    let report = try await NodeAccess.with(try global.configuration()) { try await $0.get(key: Array(key.utf8)) }
    if output.json { return try Output.json(report) }
    Output.bytes(report.valueBytes ?? [])
  }
}
