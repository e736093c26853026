internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StoreRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a value.",
    discussion: """
      Example:
        softadastra store remove theme
      """)

  @Argument(help: "The key.")
  var key: String

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try StoreCommand.checkKey(key)
    try await NodeAccess.with(try global.configuration()) { try await $0.remove(key: Array(key.utf8)) }
  }
}
