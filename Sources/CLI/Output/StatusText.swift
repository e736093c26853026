internal import SoftadastraCore
internal import SoftadastraNode

/// A status report for people.
struct StatusText {
  /// Pending and blocked paths shown a folder; `--json` has them all.
  static let maxPaths = 10

  let text: String

  init(_ report: StatusReport, style: Style) {
    var parts = [Self.node(report, style)]
    if report.folders.isEmpty {
      parts.append("No folders. Watch one with: softadastra watch DIR")
    } else {
      parts.append(Self.folders(report, style))
      for folder in report.folders {
        let details = Self.details(folder, style)
        if !details.isEmpty { parts.append(details) }
      }
    }
    parts.append(
      report.peers.isEmpty
        ? "No peers. Let one join with: softadastra invite" : PeersText.table(report.peers, style: style))
    text = parts.joined(separator: "\n\n")
  }

  private static func node(_ report: StatusReport, _ style: Style) -> String {
    let node = report.node
    var lines = ["\(BytePath.escape(node.name.utf8)) (\(node.id.prefix(9)))  softadastra \(node.version)"]
    if node.running {
      let address = report.transport.state == "listening" ? ", listening on \(report.transport.address)" : ""
      lines.append("\(style.state("running")) for \(Quantity.time(node.uptimeSeconds))\(address)")
    } else {
      lines.append("\(style.paint("not running", .yellow)); this is from disk")
    }
    lines.append(
      "store: \(count(report.store.entries, "entry", "entries")), "
        + "log: \(Quantity.bytes(report.wal.bytes)) in \(count(report.wal.segments, "segment", "segments"))"
    )
    return lines.joined(separator: "\n")
  }

  private static func count(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
  }

  private static func folders(_ report: StatusReport, _ style: Style) -> String {
    var table = Table(
      ["FOLDER", "STATE", "MODE", "FILES", "SIZE", "PENDING", "CONFLICTS", "PATH"], rightAligned: [3, 4, 5, 6],
      style: style)
    for folder in report.folders {
      table.add(
        [
          folder.name, folder.state, folder.mode, "\(folder.files)", Quantity.bytes(folder.bytes),
          "\(folder.pending.files)", "\(folder.conflicts)", folder.path,
        ], states: [1])
    }
    return table.text
  }

  private static func details(_ folder: StatusReport.Folder, _ style: Style) -> String {
    var lines: [String] = []
    let name = BytePath.escape(folder.name.utf8)
    if !folder.notice.isEmpty {
      lines.append("\(name): \(style.paint(BytePath.escape(folder.notice.utf8), .yellow))")
    }
    for blocked in folder.blocked.prefix(maxPaths) {
      lines.append(
        "\(name): \(style.paint("blocked", .red)) \(shown(blocked.path)): \(BytePath.escape(blocked.message.utf8))")
    }
    rest(folder.blocked.count, "blocked", name, &lines)
    for pending in folder.pendingPaths.prefix(maxPaths) {
      let arrow = pending.direction == "send" ? "to send" : "to receive"
      lines.append("\(name): \(arrow) \(shown(pending.path)) (\(Quantity.bytes(pending.bytes)))")
    }
    rest(folder.pendingPaths.count, "pending", name, &lines)
    return lines.joined(separator: "\n")
  }

  private static func rest(_ count: Int, _ what: String, _ name: String, _ lines: inout [String]) {
    if count > maxPaths { lines.append("\(name): and \(count - maxPaths) more \(what)") }
  }

  private static func shown(_ path: String) -> String { BytePath.escape(path.utf8) }
}
