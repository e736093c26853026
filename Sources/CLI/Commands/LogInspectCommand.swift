internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraWAL
internal import SoftadastraNode

struct LogInspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show the log's segments and what they hold.",
    discussion: """
      Example:
        softadastra wal inspect
      """)

  /// `wal inspect --json`.
  struct Report: Codable, Equatable {
    struct Segment: Codable, Equatable {
      var firstSequence: UInt64
      /// Drawn anew each time the file is used for a segment.
      var incarnation: String
    }
    var path: String
    var segments: [Segment]
    var records: UInt64
    var bytes: UInt64
    var lastSequence: UInt64
  }

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let home = try global.configuration().home
    let disk = try LogCommand.disk(home)
    let (segments, log) = try await WorkerPool(threads: 1, name: "inspect").run {
      () throws(SoftadastraError) -> ([WALSegmentInfo], WALReport) in
      (try WriteAheadLog.segments(of: disk), try WriteAheadLog.verify(disk: disk))
    }
    let report = Report(
      path: home.logDirectory,
      segments: segments.map {
        Report.Segment(firstSequence: $0.first, incarnation: String($0.incarnation, radix: 16))
      }, records: log.records, bytes: log.bytes, lastSequence: log.lastSequence)
    if output.json { return try Output.json(report) }
    var table = Table(["SEGMENT", "FIRST SEQUENCE", "INCARNATION"], rightAligned: [0, 1], style: global.style)
    for (number, segment) in zip(1..., report.segments) {
      table.add(["\(number)", "\(segment.firstSequence)", segment.incarnation])
    }
    Output.result(table.text)
    Output.result(
      "\n\(log.records) records, \(Quantity.bytes(log.bytes)), last sequence \(log.lastSequence), in \(BytePath.escape(report.path.utf8))"
    )
  }
}
