internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreWatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Print each key that changes from now on, one a line, until interrupted.",
    discussion: """
      Example:
        softadastra store watch settings/
      """)

  @Argument(help: "Only keys that start with this.")
  var prefix: String = ""

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try global.configuration()
    try await NodeAccess.withRunning(configuration) { node in
      for await value in try await node.watchValues(prefix: Array(prefix.utf8)) {
        if output.json {
          Output.result(try JSONText.line(value))
        } else {
          let key = BytePath.escape(value.keyBytes)
          Output.result(
            value.version.isEmpty
              ? "removed  \(key)" : "put      \(key)  \(Quantity.bytes(UInt64(clamping: value.size)))  \(value.version)"
          )
        }
      }
    }
    throw ControlClient.notRunning(configuration.home)
  }
}
