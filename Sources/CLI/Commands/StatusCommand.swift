internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the node, its folders and peers, and what is not in sync yet.",
    discussion: """
      Works from disk when no node runs.

      Examples:
        softadastra status
        softadastra status --watch
        softadastra status --json ~/Shared/report.odt
      """)

  @Argument(help: "Show only the folder that holds this path, and what is pending at or below it.", completion: .file())
  var path: String?

  @Flag(help: "Show it again every second, until interrupted.")
  var watch = false

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try global.configuration()
    repeat {
      var report = try await NodeAccess.with(configuration) { try await $0.status() }
      if let path { report = try narrow(report, to: path) }
      if output.json {
        Output.result(try watch ? JSONText.line(report) : JSONText.pretty(report))
      } else {
        let style = global.style
        let clear = watch && style.isTerminal ? "\u{1B}[H\u{1B}[J" : ""
        Output.result(clear + StatusText(report, style: style).text)
      }
      if watch { try await Task.sleep(for: .seconds(1)) }
    } while watch
  }

  private func narrow(_ report: StatusReport, to path: String) throws -> StatusReport {
    let full = FolderPath.absolute(path)
    var narrowed = report
    for folder in report.folders {
      guard full == folder.path || full.hasPrefix(folder.path + "/") else { continue }
      let relative = String(full.dropFirst(folder.path.count + 1))
      var only = folder
      func isBelow(_ path: String) -> Bool { relative.isEmpty || path == relative || path.hasPrefix(relative + "/") }
      only.pendingPaths = folder.pendingPaths.filter { isBelow($0.path) }
      only.blocked = folder.blocked.filter { isBelow($0.path) }
      narrowed.folders = [only]
      return narrowed
    }
    throw CommandFailure(
      "\(BytePath.escape(path.utf8)) is not in a watched folder", hint: "see the folders with: softadastra status")
  }
}
