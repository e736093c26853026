internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraNode
internal import SoftadastraWAL

struct LogVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read the whole log and check every record.",
    discussion: """
      Changes nothing. Exits with 1 when the log is damaged; each damage is named with its segment and offset. An \
      incomplete end, as a crash leaves it, is no damage: it was never acknowledged to anybody. A node that starts on \
      a damaged log mends it: it keeps what can be read, a copy of the damaged segments, and compares its folders and \
      values with its peers anew.

      Example:
        softadastra wal verify
      """)

  /// `wal verify --json`.
  struct Report: Codable, Equatable {
    struct Damage: Codable, Equatable {
      var segment: String
      var offset: UInt64
      var bytes: UInt64
      /// The sequences lost, where they are known.
      var firstMissing: UInt64?
      var lastMissing: UInt64?
    }
    var sound: Bool
    var segments: Int
    var records: UInt64
    var bytes: UInt64
    var lastSequence: UInt64
    /// Bytes of an incomplete end.
    var tornBytes: UInt64
    var damage: [Damage]
    /// Copies of damaged segments, kept when the log was mended.
    var setAside: [String]

    init(_ log: WALReport) {
      sound = log.damage.isEmpty
      segments = log.segments
      records = log.records
      bytes = log.bytes
      lastSequence = log.lastSequence
      tornBytes = log.tornTail?.byteCount ?? 0
      setAside = log.setAside
      damage = log.damage.map {
        Damage(
          segment: $0.segment, offset: $0.offset, bytes: $0.byteCount, firstMissing: $0.missing?.lowerBound,
          lastMissing: $0.missing?.upperBound)
      }
    }
  }

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let home = try global.configuration().home
    let disk = try LogCommand.disk(home)
    var log = try await Self.verify(disk)
    // A running node writes and recycles meanwhile: what looks broken may only have been in motion.
    if !log.damage.isEmpty, try await ControlClient(home: home).isRunning() { log = try await Self.verify(disk) }
    if output.json {
      try Output.json(Report(log))
    } else {
      let what = log.segments == 1 ? "1 segment" : "\(log.segments) segments"
      let verdict = log.damage.isEmpty ? "sound" : "damaged"
      Output.result(
        "\(verdict): \(log.records) records in \(what), \(Quantity.bytes(log.bytes)), last sequence \(log.lastSequence)"
      )
      if let tail = log.tornTail { Output.result(tail.description) }
      for name in log.setAside { Output.result("\(name): a damaged segment as it was, kept when the log was mended") }
      for damage in log.damage { Output.result(damage.description) }
    }
    if !log.damage.isEmpty {
      throw CommandFailure(
        "the log in \(BytePath.escape(home.logDirectory.utf8)) is damaged in \(log.damage.count) places",
        hint: "the next start says what can be saved, and keeps the damaged segments; check the disk")
    }
  }

  private static func verify(_ disk: SystemDisk) async throws -> WALReport {
    try await WorkerPool(threads: 1, name: "verify").run { () throws(SoftadastraError) -> WALReport in
      try WriteAheadLog.verify(disk: disk)
    }
  }
}
