internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct JoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Join the group of an invite, without watching a folder yet.",
    discussion: """
      With no running node the invite is kept and used at the next 'softadastra watch'. Joining twice is no error.

      Example:
        softadastra join INVITE
      """)

  @Argument(help: "What 'softadastra invite' printed on the other machine.")
  var invite: String

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try InviteText.check(invite)
    let configuration = try global.configuration()
    let running = try await ControlClient(home: configuration.home).isRunning()
    try await NodeAccess.with(configuration, create: true) { node in try await node.join(invite) }
    Output.message(
      running ? "joined" : "the invite is kept and used at the next start: softadastra watch DIR")
  }
}
