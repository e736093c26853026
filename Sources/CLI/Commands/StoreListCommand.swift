internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List keys in order, with size and version.",
    discussion: """
      Example:
        softadastra store list settings/
      """)

  @Argument(help: "Only keys that start with this.")
  var prefix: String = ""

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    var found: [ValueReport] = []
    try await NodeAccess.with(try global.configuration()) { node in
      try await StoreCommand.each(prefix, of: node) { found.append($0) }
    }
    if output.json { return try Output.json(found) }
    if found.isEmpty { return Output.message("no keys") }
    var table = Table(["KEY", "SIZE", "VERSION"], rightAligned: [1], style: global.style)
    for value in found {
      table.add([BytePath.escape(value.keyBytes), Quantity.bytes(UInt64(clamping: value.size)), value.version])
    }
    Output.result(table.text)
  }
}
