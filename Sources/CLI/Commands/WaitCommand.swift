internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until everything is in sync here and at all connected peers.",
    discussion: """
      What was written to a folder before the call is taken into account. Exits with 75 when the time is up; a line \
      on stderr then says what is missing.

      Example:
        softadastra wait --peers 1 && shutdown -h now
      """)

  @Option(help: ArgumentHelp("How long to wait at most.", valueName: "time"))
  var timeout = TimeSpan(argument: "60s")!

  @Option(help: ArgumentHelp("Also wait until so many peers are connected.", valueName: "count"))
  var peers = 0

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard peers >= 0, peers <= 1024 else { throw ValidationError("--peers takes a number from 0 to 1024") }
  }

  func run() async throws {
    let configuration = try global.configuration()
    let report = try await NodeAccess.withRunning(configuration) { node in
      try await node.wait(timeoutSeconds: timeout.seconds, peers: peers)
    }
    if output.json { try Output.json(report) }
    if !report.done {
      throw CommandFailure(
        "not in sync after \(timeout): \(report.reason)", hint: "see what is pending: softadastra status",
        exitCode: Program.Exit.tryAgain)
    }
  }
}
