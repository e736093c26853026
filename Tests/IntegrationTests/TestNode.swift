import Foundation
import Glibc
import SoftadastraCLI
import Testing

/// One machine of a test: a home, a folder, and the real program while it runs.
final class TestNode {
  struct Ready: Decodable {
    var event: String
    var nodeID: String
    var address: String
    var invite: String?
  }

  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
    var lines: [String] { errors.split(separator: "\n").map(String.init) }
  }

  static let startPatience = Duration.seconds(30)
  static let commandPatience = Duration.seconds(90)

  let name: String
  let directory: String
  /// What every command line starts with: `ip netns exec NAME`, or nothing.
  let prefix: [String]
  /// Where its program sees `directory`.
  let shownDirectory: String
  var folder: String { "\(directory)/folder" }
  var home: String { "\(directory)/home" }
  private(set) var process: ChildProcess?
  private var drain: Task<Void, Never>?
  private var commands = 0

  init(_ name: String, below base: String, prefix: [String] = [], shownAt shown: String? = nil) throws {
    self.name = name
    self.prefix = prefix
    directory = "\(base)/\(name)"
    shownDirectory = shown ?? directory
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  static let executable: String = {
    if let path = ProcessInfo.processInfo.environment["SOFTADASTRA_EXECUTABLE"] { return path }
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: own).deletingLastPathComponent().appending(path: "softadastra").path
  }()

  private var environment: [String: String] {
    [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": directory,
      "SOFTADASTRA_NAME": name,
    ]
  }

  private func spawn(_ arguments: [String], errors: String) throws -> ChildProcess {
    let words = prefix + [Self.executable] + arguments
    let program = words[0].hasPrefix("/") ? words[0] : "/usr/bin/env"
    let rest = words[0].hasPrefix("/") ? Array(words.dropFirst()) : words
    return try ChildProcess(program, rest, environment: environment, errorLog: errors)
  }

  /// `watch` in the background; returns once it says that it is ready.
  @discardableResult
  func start(_ arguments: [String] = [], loopback: Bool = true) async throws -> Ready {
    let place = loopback ? ["--listen", "127.0.0.1:0", "--no-discovery"] : []
    let child = try spawn(
      ["watch", "\(shownDirectory)/folder", "--home", "\(shownDirectory)/home", "--json"] + place + arguments,
      errors: "\(directory)/errors.log")
    process = child
    let log = "\(directory)/events.log"
    let lines = LineLog(child, log: log)
    drain = lines.task
    if let line = await lines.first(within: Self.startPatience) {
      let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
      try #require(ready.event == "ready")
      return ready
    }
    throw Failure("\(name) did not start: \(errorText)")
  }

  var errorText: String { (try? String(contentsOfFile: "\(directory)/errors.log", encoding: .utf8)) ?? "" }
  var eventText: String { (try? String(contentsOfFile: "\(directory)/events.log", encoding: .utf8)) ?? "" }

  /// SIGTERM; the exit code.
  @discardableResult
  func stop() async -> Int32? {
    guard let process else { return nil }
    process.stop()
    let code = await process.wait(.seconds(30))
    if code == nil { await process.end(.zero) }
    self.process = nil
    return code
  }

  /// SIGKILL.
  func kill() async {
    guard let process else { return }
    process.kill()
    _ = await process.wait(.seconds(30))
    self.process = nil
  }

  /// Starts one command; nobody waits for it.
  func launch(_ arguments: [String], home: Bool = true) throws -> (child: ChildProcess, errors: String) {
    commands += 1
    let errors = "\(directory)/command-\(commands).errors"
    return (try spawn(arguments + (home ? ["--home", "\(shownDirectory)/home"] : []), errors: errors), errors)
  }

  /// Runs one command to its end.
  func run(_ arguments: [String], home: Bool = true) async throws -> Outcome {
    let (child, errors) = try launch(arguments, home: home)
    let collecting = Task {
      var lines: [String] = []
      for await line in child.lines { lines.append(line) }
      return lines.joined(separator: "\n")
    }
    guard let code = await child.wait(Self.commandPatience) else {
      await child.end(.zero)
      throw Failure("\(arguments.joined(separator: " ")) does not end")
    }
    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
    return Outcome(code: code, output: await collecting.value, errors: text)
  }

  /// Runs one command that must succeed; what it printed.
  @discardableResult
  func succeed(_ arguments: [String]) async throws -> String {
    let outcome = try await run(arguments)
    guard outcome.code == 0 else {
      throw Failure("\(arguments.joined(separator: " ")) ended with \(outcome.code): \(outcome.errors)")
    }
    return outcome.output
  }

  func path(_ relative: String) -> String { "\(folder)/\(relative)" }

  func write(_ relative: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path(relative)))
  }
}

struct Failure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// Copies what a process prints to a file; its first line can be waited for.
private final class LineLog: Sendable {
  let task: Task<Void, Never>

  init(_ child: ChildProcess, log: String) {
    let lines = child.lines
    let (stream, sink) = AsyncStream<String>.makeStream()
    arrivals = stream
    task = Task.detached {
      let file = fopen(log, "a")
      for await line in lines {
        sink.yield(line)
        if let file {
          fputs(line + "\n", file)
          fflush(file)
        }
      }
      sink.finish()
      if let file { fclose(file) }
    }
  }

  private let arrivals: AsyncStream<String>

  func first(within patience: Duration) async -> String? {
    await withTaskGroup(of: String?.self) { group in
      group.addTask { [arrivals] in
        for await line in arrivals { return line }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: patience)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}
