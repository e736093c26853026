import Foundation
import Glibc
import Synchronization
import TestSupport

/// Two paired nodes, the people who work on both, and what is done to the nodes.
///
/// A round: the areas of the folder are given to one side each; both sides work, also while their node is down; nodes
/// are killed and started again; then the work ends, everything settles, and everything is checked.
final class CrashRun {
  private static let areas = (0..<6).map { "area\($0)" }
  private static let maxKillsInRound = 4

  let options: CrashOptions
  let base: String
  let trace: Trace
  let a: CrashNode
  let b: CrashNode
  let ledger = ContentLedger()
  let users: [FolderUser]
  let valueUsers: [ValueUser]
  private var random: SeededRandom
  private var models: [AreaModel]
  private var addressOfA = ""
  private(set) var kills = 0
  private var rounds = 0
  private var check: CrashCheck { CrashCheck(a: a, b: b, trace: trace, ledger: ledger, valueUsers: valueUsers) }

  init(_ options: CrashOptions, base: String, trace: Trace) throws {
    self.options = options
    self.base = base
    self.trace = trace
    let nodes = try ["a", "b"].map { try CrashNode($0, below: base, executable: options.executable, trace: trace) }
    (a, b) = (nodes[0], nodes[1])
    var random = SeededRandom(seed: options.seed)
    // Drawn, not counted up: neighbouring seeds give shifted copies of one series.
    let seeds = (0..<4).map { _ in random.next() }
    self.random = random
    let ledger = self.ledger
    users = try nodes.enumerated().map { index, node in
      let scratch = "\(base)/\(node.name)/scratch"
      try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
      let shared = SharedUser(
        name: "user on \(node.name)", folder: node.folder, scratch: scratch, ledger: ledger, trace: trace)
      return FolderUser(
        name: "user on \(node.name)", folder: node.folder, seed: seeds[index], trace: trace,
        shared: shared)
    }
    valueUsers = nodes.enumerated().map { ValueUser($1, seed: seeds[2 + $0], trace: trace) }
    models = Self.areas.map { AreaModel(name: $0) }
  }

  var summary: String {
    "\(kills) kills in \(rounds) rounds, \(users.reduce(0) { $0 + $1.steps }) steps of users, \(ledger.count) contents in the shared directory"
  }

  // MARK: The course

  func begin() async throws {
    for name in Self.areas + [SharedUser.directory] {
      guard mkdir("\(a.folder)/\(name)", 0o755) == 0 else { throw Failure("cannot make \(name)") }
    }
    try await a.launch(["--listen", "127.0.0.1:0"])
    guard await a.untilReady(), let invite = await a.invite else { throw Failure("a does not start: \(a.lastErrors)") }
    addressOfA = await a.address
    try await b.launch(["--listen", "127.0.0.1:0", "--peer", addressOfA, "--join", invite])
    guard await b.untilReady() else { throw Failure("b does not start: \(b.lastErrors)") }
    try await check.settled(models)
  }

  func round() async throws {
    rounds += 1
    trace.add("round \(rounds)", "begins")
    let before = kills
    assign()
    for user in users { user.start() }
    for user in valueUsers { await user.start() }
    let count = 1 + random.below(min(Self.maxKillsInRound, max(1, options.kills - kills)))
    for _ in 0..<count { try await killSomething() }
    await pause(longest: 500)
    for user in users { user.stop() }
    for user in valueUsers { await user.stop() }
    // Sometimes also while they settle.
    if random.below(3) == 0 { try await killSomething() }
    for node in [a, b] { try await ensureRunning(node) }
    models = users.flatMap(\.areas).sorted { $0.name < $1.name }
    for user in users { if let failure = user.failures.withLock({ $0.first }) { throw Failure(failure) } }
    try await check.settled(models)
    if rounds % 4 == 0 { try await restartCleanly() }
    say("round \(rounds): \(kills - before) kills, \(summary)")
  }

  func end() async throws {
    for node in [a, b] {
      let code = await node.stop()
      guard code == 0 else { throw Failure("\(node.name) stopped with \(code ?? -1): \(node.lastErrors)") }
    }
    try await check.logs()
  }

  func abandon() async {
    for user in users { user.stopIfRunning() }
    for user in valueUsers { await user.stop() }
    for node in [a, b] { _ = await node.kill() }
  }

  /// Each area to one side; what the other side made there in earlier rounds is changed and deleted too.
  private func assign() {
    var given: [[AreaModel]] = [[], []]
    for model in models { given[random.below(2)].append(model) }
    for (user, areas) in zip(users, given) { user.areas = areas }
  }

  // MARK: Kills

  private func killSomething() async throws {
    await pause(longest: random.below(3) == 0 ? 100 : 1500)
    let victims = [[a], [b], [a, b]][random.below(5) % 3]
    for node in victims { try await kill(node) }
    // People go on while their node is down.
    await pause(longest: 300)
    for node in victims { try await start(node) }
    guard random.below(3) != 0 else { return }
    for node in victims { try await waitUntilReady(node) }
  }

  private func kill(_ node: CrashNode) async throws {
    guard await !node.isDown else { return }
    if let code = await node.kill() {
      // A command had the home for a moment: the node says so and ends.
      guard node.lastErrors.contains("its lock is held") else {
        throw Failure("\(node.name) had ended by itself with \(code): \(node.lastErrors)")
      }
      return
    }
    kills += 1
  }

  private func start(_ node: CrashNode) async throws {
    let own = node === a
    try await node.launch(own ? ["--listen", addressOfA] : ["--listen", "127.0.0.1:0", "--peer", addressOfA])
  }

  private func waitUntilReady(_ node: CrashNode) async throws {
    for _ in 0..<50 {
      if await node.untilReady() { return }
      try await kill(node)
      try? await Task.sleep(for: .milliseconds(100))
      try await start(node)
    }
    throw Failure("\(node.name) does not start: \(node.lastErrors)")
  }

  private func ensureRunning(_ node: CrashNode) async throws {
    if await node.isDown { try await start(node) }
    if await !node.isReady { try await waitUntilReady(node) }
  }

  private func restartCleanly() async throws {
    try await end()
    for node in [a, b] {
      try await start(node)
      try await waitUntilReady(node)
    }
    try await check.settled(models)
  }

  /// As likely one millisecond as a hundred: the moments right after a start count as much as those of long work.
  private func pause(longest milliseconds: Int) async {
    var bound = 1
    while bound < milliseconds, random.below(8) != 0 { bound *= 2 }
    try? await Task.sleep(for: .microseconds(random.below(min(bound, milliseconds) * 1000 + 1)))
  }
}
