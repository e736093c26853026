internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct LogCompactCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Drop records that newer ones replaced; works while the node runs.",
    discussion: """
      Example:
        softadastra wal compact
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  /// `wal compact --json`.
  struct Report: Codable, Equatable {
    var bytesBefore: UInt64
    var bytesAfter: UInt64
  }

  func run() async throws {
    let report = try await NodeAccess.with(try global.configuration()) { node in
      let before = try await node.status().wal.bytes
      try await node.compactLog()
      return Report(bytesBefore: before, bytesAfter: try await node.status().wal.bytes)
    }
    if output.json { return try Output.json(report) }
    Output.result("\(Quantity.bytes(report.bytesBefore)) before, \(Quantity.bytes(report.bytesAfter)) now")
  }
}
