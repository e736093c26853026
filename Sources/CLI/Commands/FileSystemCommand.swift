internal import ArgumentParser

struct FileSystemCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fs",
    abstract: "See a directory as the node sees it, without a node.",
    subcommands: [FileSystemScanCommand.self, FileSystemWatchCommand.self])

  @OptionGroup var global: GlobalOptions
}
