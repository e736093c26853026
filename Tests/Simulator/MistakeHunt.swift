import Glibc
import Simulation
import SoftadastraCore

/// Proof that the simulator can fail: each of `DeliberateFault`'s mistakes must be found by the ordinary mix of seeds.
///
/// A seed finds a mistake if it fails with it and passes without it. Each mistake has a process of its own, two at a
/// time: a mistake may also crash the program or let it run for ever.
struct MistakeHunt {
  /// Seeds that each mistake may take.
  let limit: UInt64
  private static let jobs = 2
  /// A run that takes longer does not end.
  private static let maxSecondsPerRun: UInt32 = 20

  #if SOFTADASTRA_FAULTS
    static func mistake(named name: String) -> DeliberateFault? { DeliberateFault.allCases.first { "\($0)" == name } }
    private static let names = DeliberateFault.allCases.map { "\($0)" }
  #else
    static func mistake(named name: String) -> DeliberateFault? { nil }
    private static let names: [String] = []
  #endif

  // MARK: One mistake

  /// In a process of its own: says which seed it tries, and ends with 0 once one has found the mistake.
  func one(_ name: String) -> Never {
    guard let mistake = Self.mistake(named: name) else {
      print("no such fault: \(name)")
      exit(64)
    }
    var spoiled = 0
    for seed in 1...limit {
      print("try \(seed)")
      fflush(nil)
      alarm(Self.maxSecondsPerRun)
      var configuration = Simulation.Configuration(seed: seed)
      configuration.mistake = mistake
      guard let failure = Simulation(configuration).run().failure else { continue }
      configuration.mistake = nil
      if Simulation(configuration).run().failure != nil {
        spoiled += 1
        continue
      }
      print("found \(seed) \(failure.split(separator: "\n")[0])")
      exit(0)
    }
    print("\(spoiled) seeds fail also without it")
    exit(1)
  }

  // MARK: All of them

  private struct Hunt {
    let name: String
    let process: pid_t
    let output: Int32
  }

  func all() -> Never {
    guard !Self.names.isEmpty else {
      print("this build has no deliberate faults: build with SOFTADASTRA_ENGINE_ONLY=1")
      exit(64)
    }
    var waiting = Self.names
    var running: [Hunt] = []
    var missed = 0
    while !waiting.isEmpty || !running.isEmpty {
      while running.count < Self.jobs, !waiting.isEmpty { running.append(begin(waiting.removeFirst())) }
      var status: Int32 = 0
      let ended = waitpid(-1, &status, 0)
      guard let at = running.firstIndex(where: { $0.process == ended }) else { continue }
      let hunt = running.remove(at: at)
      let (isFound, words) = verdict(hunt, status)
      if !isFound { missed += 1 }
      let column = hunt.name + String(repeating: " ", count: max(0, 26 - hunt.name.count))
      print("\(isFound ? "found  " : "MISSED ")\(column)\(words)")
      fflush(nil)
    }
    print("\(Self.names.count - missed) of \(Self.names.count) deliberate faults found within \(limit) seeds each")
    exit(missed == 0 ? 0 : 1)
  }

  private func begin(_ name: String) -> Hunt {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { fatalError("no pipe: \(errno)") }
    let arguments = ["softadastra-sim", "--hunt", name, "--limit", "\(limit)"]
    let process = Self.spawn(arguments, output: ends[1], closing: ends[0])
    close(ends[1])
    return Hunt(name: name, process: process, output: ends[0])
  }

  private func verdict(_ hunt: Hunt, _ status: Int32) -> (Bool, String) {
    let lines = Self.readAll(hunt.output).split(separator: "\n").map(String.init)
    let tries = lines.filter { $0.hasPrefix("try ") }.count
    if let found = lines.first(where: { $0.hasPrefix("found ") }) {
      let parts = found.split(separator: " ", maxSplits: 2)
      return (true, "seed \(parts[1]): \(parts[2].prefix(90))")
    }
    guard status & 0x7F != 0 else { return (false, lines.last ?? "") }
    // It crashed, or did not end: the seed counts if it passes without the mistake.
    let clean = Self.spawn(["softadastra-sim", "--from", "\(tries)", "--seeds", "1"], output: nil, closing: nil)
    var cleanStatus: Int32 = 0
    waitpid(clean, &cleanStatus, 0)
    return (cleanStatus == 0, "seed \(tries): the run ends with signal \(status & 0x7F)")
  }

  private static func spawn(_ arguments: [String], output: Int32?, closing: Int32?) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
    if output == nil { posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    if let closing { posix_spawn_file_actions_addclose(&actions, closing) }
    var argv = arguments.map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var process: pid_t = 0
    let failure = posix_spawn(&process, "/proc/self/exe", &actions, nil, &argv, environ)
    guard failure == 0 else { fatalError("cannot start: \(failure)") }
    return process
  }

  private static func readAll(_ descriptor: Int32) -> String {
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
