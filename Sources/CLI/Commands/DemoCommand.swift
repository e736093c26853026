internal import ArgumentParser
internal import Glibc
internal import SoftadastraCore
internal import UnixSignals

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Prove on this machine that it works: two nodes, two folders, real connections.",
    discussion: """
      Starts two nodes with homes and folders of their own below the directory for temporary files, lets them mirror \
      a file each way, catch up after an absence and keep a conflict, checks each result on disk, and removes \
      everything again. Exits with 1 and the step's name when one fails.

      Example:
        softadastra demo
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let demo = try Demo(style: global.style, verbose: global.verbose)
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    var failure: (any Error)?
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await demo.run() }
        group.addTask {
          for await _ in signals { throw ExitCode(Program.Exit.interrupted) }
          try await Task.sleep(for: .seconds(1_000_000_000))
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch {
      failure = error
    }
    await demo.cleanUp()
    if let failure { throw failure }
  }
}
