import Foundation
import Glibc
import SoftadastraCLI

/// One machine: a home, a folder, and the real program while it runs.
actor CrashNode {
  private struct Ready: Decodable {
    var event: String
    var address: String
    var invite: String?
  }

  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  nonisolated let name: String
  nonisolated let directory: String
  nonisolated var folder: String { "\(directory)/folder" }
  nonisolated var home: String { "\(directory)/home" }
  private let executable: String
  private let trace: Trace
  private(set) var process: ChildProcess?
  private var lines: AsyncStream<String>?
  private(set) var isReady = false
  private(set) var address = ""
  private(set) var invite: String?
  private var commands = 0
  var isDown: Bool { process == nil }

  init(_ name: String, below base: String, executable: String, trace: Trace) throws {
    self.name = name
    self.executable = executable
    self.trace = trace
    directory = "\(base)/\(name)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private var environment: [String: String] {
    [
      "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": directory, "SOFTADASTRA_NAME": name,
      "SWIFT_BACKTRACE": "enable=no",
    ]
  }

  /// Starts it without waiting for anything.
  func launch(_ arguments: [String]) throws {
    let child = try ChildProcess(
      executable, ["watch", folder, "--home", home, "--json", "--no-discovery"] + arguments, environment: environment,
      errorLog: "\(directory)/errors.log")
    process = child
    isReady = false
    let (stream, sink) = AsyncStream<String>.makeStream()
    lines = stream
    let events = "\(directory)/events.log"
    Task.detached {
      let file = fopen(events, "a")
      for await line in child.lines {
        sink.yield(line)
        if let file {
          fputs(line + "\n", file)
          fflush(file)
        }
      }
      sink.finish()
      if let file { fclose(file) }
    }
    trace.add(name, "started as \(child.processID)")
  }

  /// Returns once it says that it is ready. False if it ended instead, or says nothing for a long time.
  func untilReady() async -> Bool {
    guard let lines else { return false }
    let line = await withTaskGroup(of: String?.self) { group in
      group.addTask {
        for await line in lines { return line }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(60))
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    guard let line, let ready = try? JSONDecoder().decode(Ready.self, from: Data(line.utf8)), ready.event == "ready"
    else { return false }
    isReady = true
    address = ready.address
    if invite == nil { invite = ready.invite }
    trace.add(name, "ready at \(ready.address)")
    return true
  }

  /// SIGKILL. Returns its exit code if it had ended by itself.
  func kill() async -> Int32? {
    guard let process else { return nil }
    if let code = process.poll() {
      self.process = nil
      return code
    }
    process.kill()
    let code = await process.wait(.seconds(60))
    trace.add(name, "killed")
    self.process = nil
    lines = nil
    return code == 128 + SIGKILL ? nil : code
  }

  /// SIGTERM; the exit code, nil if it does not end.
  func stop() async -> Int32? {
    guard let process else { return 0 }
    process.stop()
    let code = await process.wait(.seconds(60))
    if code == nil { await process.end(.zero) }
    trace.add(name, "stopped with \(code ?? -1)")
    self.process = nil
    lines = nil
    return code
  }

  /// Runs one command to its end, or kills it after a while.
  func run(_ arguments: [String], killAfterMicroseconds: Int? = nil) async throws -> Outcome {
    commands += 1
    let errors = "\(directory)/command-\(commands % 64).errors"
    unlink(errors)
    let child = try ChildProcess(
      executable, arguments + ["--home", home], environment: environment, errorLog: errors)
    let collecting = Task {
      var lines: [String] = []
      for await line in child.lines { lines.append(line) }
      return lines.joined(separator: "\n")
    }
    if let killAfterMicroseconds {
      try? await Task.sleep(for: .microseconds(killAfterMicroseconds))
      child.kill()
    }
    let code = await child.wait(.seconds(120))
    if code == nil { await child.end(.zero) }
    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
    return Outcome(code: code ?? -1, output: await collecting.value, errors: text)
  }

  nonisolated var lastErrors: String {
    let text = (try? String(contentsOfFile: "\(directory)/errors.log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(5).joined(separator: " | ")
  }
}
