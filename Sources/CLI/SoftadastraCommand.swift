public import ArgumentParser

/// `softadastra`: the commands and what they share.
public struct SoftadastraCommand: AsyncParsableCommand {
  public static let version = "0.1.0"

  public static let configuration = CommandConfiguration(
    commandName: "softadastra",
    abstract: "Keep folders equal between machines, in both directions, without a server.",
    discussion: """
      Start with 'softadastra watch DIR'; it prints the line to run on the other machine. Every command has --help \
      and a page of the manual: man softadastra-watch.
      """,
    version: version,
    subcommands: [
      WatchCommand.self, InviteCommand.self, JoinCommand.self, StatusCommand.self, WaitCommand.self, FolderCommand.self,
      PeersCommand.self, NodeCommand.self, StoreCommand.self, SyncCommand.self, ConflictsCommand.self,
      VersionsCommand.self, RestoreCommand.self, FileSystemCommand.self,
      LogCommand.self, DiscoverCommand.self, DemoCommand.self, ConfigCommand.self,
    ])

  @OptionGroup var global: GlobalOptions

  public init() {}
}
