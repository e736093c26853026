internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct DiscoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discover",
    abstract: "Listen for announcements of the group's nodes for a few seconds.",
    discussion: """
      Announcements of other groups cannot be read, and are not shown.

      Example:
        softadastra discover --for 10s
      """)

  @Option(help: ArgumentHelp("How long to listen.", valueName: "time"))
  var `for` = TimeSpan(argument: "3s")!

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let found = try await NodeAccess.with(try global.configuration()) { node in
      try await node.discover(seconds: `for`.seconds)
    }
    if output.json { return try Output.json(found) }
    if found.isEmpty { return Output.message("no announcements in \(`for`)") }
    var table = Table(["ID", "ADDRESS"], style: global.style)
    for node in found { table.add([node.id, node.address]) }
    Output.result(table.text)
  }
}
