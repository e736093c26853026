internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraFS

struct FileSystemWatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Print what changes in a directory, one line each, until interrupted.",
    discussion: """
      A line says where to look, not what is there: 'subtree' stands for everything at and below a path.

      Example:
        softadastra fs watch ~/Shared --json
      """)

  /// One line of `fs watch --json`.
  struct Event: Codable, Equatable {
    /// `changed`, `subtree`, `moved` or `root-lost`.
    var event: String
    var path: String
    var pathBase64: String?
    /// Where it was moved to.
    var to: String?
    var toBase64: String?

    init(_ event: WatchEvent) {
      switch event {
      case .changed(let path), .written(let path):
        self.event = "changed"
        (self.path, pathBase64) = PathText.fields(path)
      case .subtreeChanged(let path):
        self.event = "subtree"
        (self.path, pathBase64) = PathText.fields(path)
      case .moved(let from, let to, _):
        self.event = "moved"
        (path, pathBase64) = PathText.fields(from)
        (self.to, toBase64) = PathText.fields(to)
      case .rootLost:
        self.event = "root-lost"
        path = ""
      }
    }
  }

  @Argument(help: ArgumentHelp("The directory.", valueName: "dir"), completion: .directory)
  var directory: String

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let (batches, continuation) = AsyncStream<[WatchEvent]>.makeStream()
    let watcher = try Watcher(root: directory) { events in
      continuation.yield(events)
      if events.contains(.rootLost) { continuation.finish() }
    }
    await WorkerPool(threads: 1, name: "watch").run { watcher.start() }
    Output.message("watching")
    if let limit = watcher.limit {
      Output.message("\(limit.directoriesPolled) directories are polled only: no more watches")
      Output.message("hint: \(limit.advice)")
    }
    for await batch in batches {
      for event in batch { Output.result(try line(Event(event))) }
    }
    watcher.stop()
    throw CommandFailure("the directory is gone: \(BytePath.escape(directory.utf8))")
  }

  private func line(_ event: Event) throws -> String {
    if output.json { return try JSONText.line(event) }
    let path = event.path.isEmpty ? "." : BytePath.escape(event.path.utf8)
    let target = event.to.map { " -> " + BytePath.escape($0.utf8) } ?? ""
    return "\(event.event)  \(path)\(target)"
  }
}
