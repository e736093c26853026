internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct NodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node",
    abstract: "Show this node's metadata and capabilities, or stop it.",
    subcommands: [NodeShowCommand.self, NodeStopCommand.self],
    defaultSubcommand: NodeShowCommand.self)

  @OptionGroup var global: GlobalOptions
}

struct NodeShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show identity, system, version and group. This is what 'node' alone does.",
    discussion: """
      Example:
        softadastra node --json
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let report = try await NodeAccess.with(try global.configuration()) { try await $0.node() }
    if output.json { return try Output.json(report) }
    var rows = [
      ("id", report.id), ("name", report.name), ("hostname", report.hostname),
      ("system", "\(report.os), kernel \(report.kernel)"), ("version", report.version),
      ("capabilities", report.capabilities.joined(separator: ", ")), ("replica", report.replica),
      ("group", "\(report.group), \(report.members == 1 ? "1 member" : "\(report.members) members")"),
      ("home", report.home),
    ]
    rows.append(("running", report.running ? "for \(Quantity.time(report.uptimeSeconds))" : "no"))
    let width = rows.map(\.0.count).max() ?? 0
    for (name, value) in rows {
      let padding = String(repeating: " ", count: width - name.count)
      Output.result(global.style.paint(name, .bold) + padding + "  " + BytePath.escape(value.utf8))
    }
  }
}

struct NodeStopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop the running node; returns when it has ended.",
    discussion: """
      Example:
        softadastra node stop
      """)

  private static let patience = Duration.seconds(30)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try global.configuration()
    try await NodeAccess.withRunning(configuration) { try await $0.stop() }
    let clock = ContinuousClock()
    let deadline = clock.now + Self.patience
    let client = ControlClient(home: configuration.home)
    while try await client.isRunning() || NodeHost.isHeld(configuration.home) {
      guard clock.now < deadline else {
        throw CommandFailure(
          "the node has not ended after \(Self.patience)", hint: "look at its output",
          exitCode: Program.Exit.tryAgain)
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
