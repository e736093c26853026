internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct PeersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "Show and change the nodes this one talks to.",
    subcommands: [PeersListCommand.self, PeersAddCommand.self, PeersRemoveCommand.self],
    defaultSubcommand: PeersListCommand.self)

  @OptionGroup var global: GlobalOptions
}

struct PeersListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show discovered and connected peers. This is what 'peers' alone does.",
    discussion: """
      Example:
        softadastra peers
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let report = try await NodeAccess.with(try global.configuration()) { try await $0.status() }
    if output.json { return try Output.json(report.peers) }
    if report.peers.isEmpty {
      Output.message("no peers")
    } else {
      Output.result(PeersText.table(report.peers, style: global.style))
    }
  }
}

struct PeersAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add an address where a member of the group may be found.",
    discussion: """
      An address makes nobody a member: that takes an invite.

      Example:
        softadastra peers add desk.example:22420
      """)

  @Argument(help: ArgumentHelp("HOST:PORT, an IPv6 address in brackets.", valueName: "address"))
  var address: String

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if let why = Configuration.refusal(.list([address]), for: .peers) {
      throw ValidationError("the address \(why)")
    }
  }

  func run() async throws {
    try await NodeAccess.with(try global.configuration(), create: true) { try await $0.addPeerAddress(address) }
  }
}

struct PeersRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove an address that was added with 'peers add'.",
    discussion: """
      Members stay members.

      Example:
        softadastra peers remove desk.example:22420
      """)

  @Argument(help: ArgumentHelp("HOST:PORT, as it was added.", valueName: "address"))
  var address: String

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await NodeAccess.with(try global.configuration()) { try await $0.removePeerAddress(address) }
  }
}
