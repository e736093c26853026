internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct FolderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "folder",
    abstract: "List the watched folders, and order what concerns a whole one.",
    subcommands: [
      FolderListCommand.self, FolderRemoveCommand.self, FolderRevertCommand.self, FolderConfirmDeletionsCommand.self,
    ],
    defaultSubcommand: FolderListCommand.self)

  @OptionGroup var global: GlobalOptions

  /// The name as the node knows it: a path is made absolute.
  static func name(_ text: String) -> String {
    text.contains("/") || text == "." ? FolderPath.absolute(text) : text
  }
}

/// The folder that a command is about.
struct FolderArgument: ParsableArguments {
  @Argument(help: "The folder's name as 'softadastra folder list' shows it, or its path.", completion: .directory)
  var name: String

  func validate() throws {
    guard !name.isEmpty else { throw ValidationError("the name is empty") }
  }
}

struct FolderListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the watched folders. This is what 'folder' alone does.",
    discussion: """
      Example:
        softadastra folder
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let report = try await NodeAccess.with(try global.configuration()) { try await $0.status() }
    if output.json { return try Output.json(report.folders) }
    if report.folders.isEmpty { return Output.message("no folders; watch one with: softadastra watch DIR") }
    var table = Table(["FOLDER", "STATE", "MODE", "PATH"], style: global.style)
    for folder in report.folders { table.add([folder.name, folder.state, folder.mode, folder.path], states: [1]) }
    Output.result(table.text)
  }
}

struct FolderRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Stop watching a folder. Its files stay, here and everywhere.",
    discussion: """
      Watched again at the same place it goes on as after a time off; at another place it is filled from the other \
      nodes. A folder that the configuration lists has to be taken out of there, too.

      Example:
        softadastra folder remove Shared
      """)

  @OptionGroup var folder: FolderArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try global.configuration()
    let name = FolderCommand.name(folder.name)
    let listed = try await NodeAccess.with(configuration) { node in
      let path = try await node.status().folders.first { $0.name == name || $0.path == name }?.path
      try await node.removeFolder(name)
      return path.map { configuration.options.folders.value.map(FolderPath.absolute).contains($0) } ?? false
    }
    if listed { Output.message("the configuration lists it as well: it is watched again at the next start") }
  }
}

struct FolderRevertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revert", abstract: "Drop the local changes of a receive-only folder.",
    discussion: """
      What was changed or made here goes to the versions archive, see softadastra-versions(1); what was changed or \
      deleted here comes again from the other nodes.

      Example:
        softadastra folder revert Shared
      """)

  @OptionGroup var folder: FolderArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let count = try await NodeAccess.withRunning(try global.configuration()) {
      try await $0.revertFolder(FolderCommand.name(folder.name))
    }
    Output.message(count == 0 ? "nothing was changed here" : "reverted \(Quantity.files(count))")
  }
}

struct FolderConfirmDeletionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm-deletions", abstract: "Let deletions spread that were too many to be believed.",
    discussion: """
      When a node starts and finds more than half of a folder of over 100 files gone, it deletes nothing elsewhere: a \
      disk may not be mounted. 'softadastra status' says so. When the files come back it goes on by itself.

      Example:
        softadastra folder confirm-deletions Shared
      """)

  @OptionGroup var folder: FolderArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let count = try await NodeAccess.withRunning(try global.configuration()) {
      try await $0.confirmDeletions(FolderCommand.name(folder.name))
    }
    Output.message("\(Quantity.files(count)) deleted")
  }
}
