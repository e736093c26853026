internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct InviteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite",
    abstract: "Print an invite for another machine.",
    discussion: """
      The invite is one line on stdout. Whoever has it can join the group until it is used or expires: pass it on as \
      you would a password. Works with and without a running node.

      Examples:
        softadastra invite
        softadastra invite --expires 30m --uses 3
      """)

  @Option(help: ArgumentHelp("How long it is valid: 30m, 24h, 7d.", valueName: "time"))
  var expires = TimeSpan(argument: "24h")!

  @Option(help: ArgumentHelp("How many nodes may use it.", valueName: "count"))
  var uses = 1

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard uses >= 1, uses <= 1024 else { throw ValidationError("--uses takes a number from 1 to 1024") }
    guard expires.seconds >= 1 else { throw ValidationError("--expires takes a second at least") }
  }

  func run() async throws {
    let configuration = try global.configuration()
    let invite = try await NodeAccess.with(configuration, create: true) { node in
      try await node.invite(expiresSeconds: Int(expires.seconds), uses: uses)
    }
    if output.json {
      try Output.json(["invite": invite])
    } else {
      Output.result(invite)
    }
  }
}
