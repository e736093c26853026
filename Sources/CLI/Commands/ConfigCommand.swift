internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print each effective setting and where it came from.",
    discussion: """
      Settings come from flags, then SOFTADASTRA_* variables, then the configuration file, then defaults.

      Examples:
        softadastra config
        SOFTADASTRA_LOG_LEVEL=debug softadastra config --json
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try global.configuration()
    if output.json { return try Output.json(configuration.entries) }
    var table = Table(["SETTING", "VALUE", "FROM"], style: global.style)
    for entry in configuration.entries {
      table.add([entry.name, entry.value.isEmpty ? "-" : entry.value, entry.source])
    }
    Output.result(table.text)
    if !configuration.fileExists {
      Output.message("there is no configuration file; it would be \(configuration.file)")
    }
  }
}
