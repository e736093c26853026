internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct SyncCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Look into the synchronisation, and push it.",
    subcommands: [SyncStatusCommand.self, SyncTickCommand.self, SyncRetryCommand.self],
    defaultSubcommand: SyncStatusCommand.self)

  @OptionGroup var global: GlobalOptions
}

struct SyncStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show the outbox: what is queued, in flight, acknowledged, failed.",
    discussion: """
      Example:
        softadastra sync status
      """)

  /// `sync status --json`: the counts, and what each peer lacks.
  struct Report: Codable {
    var sync: StatusReport.Sync
    var peers: [StatusReport.Peer]
  }

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let report = try await NodeAccess.with(try global.configuration()) { try await $0.status() }
    if output.json { return try Output.json(Report(sync: report.sync, peers: report.peers)) }
    var table = Table(
      ["OUTBOX", "QUEUED", "IN FLIGHT", "ACKNOWLEDGED", "FAILED", "RETRIES"], rightAligned: [0, 1, 2, 3, 4, 5],
      style: global.style)
    let sync = report.sync
    table.add(
      [sync.outbox, sync.queued, sync.inFlight, sync.acknowledged, sync.failed, sync.retries].map { "\($0)" })
    Output.result(table.text)
    if !report.peers.isEmpty { Output.result("\n" + PeersText.table(report.peers, style: global.style)) }
  }
}

struct SyncTickCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tick", abstract: "Let the engine look now for what to retry and what to send.",
    discussion: """
      Example:
        softadastra sync tick
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let report = try await NodeAccess.withRunning(try global.configuration()) { try await $0.tick() }
    if output.json { return try Output.json(report) }
    Output.result(
      "retried \(report.retried), pruned \(report.pruned), sent \(report.batchEntries) entries in \(report.batches) batches"
    )
  }
}

struct SyncRetryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Try a blocked path again now.",
    discussion: """
      Example:
        softadastra sync retry ~/Shared/report.odt
      """)

  @Argument(
    help: "A file, directory or folder, as 'softadastra status' shows it or on disk.", completion: .file())
  var path: String

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !path.isEmpty else { throw ValidationError("the path is empty") }
  }

  func run() async throws {
    try await NodeAccess.withRunning(try global.configuration()) {
      try await $0.retry(FolderPath.spellings(path))
    }
  }
}
