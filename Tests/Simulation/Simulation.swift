import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport

/// One whole run: a group of nodes, people at work, faults, and at the end every invariant. The seed decides all of it.
public final class Simulation {
  public struct Configuration: Sendable {
    public var seed: UInt64
    public var operations: Int
    /// Only these of the user's actions, by their number; nil for all. For shrinking.
    public var kept: Set<Int>?
    public var areFaultsOn = true

    public init(seed: UInt64, operations: Int = 220) {
      self.seed = seed
      self.operations = operations
    }
  }

  public struct Outcome: Sendable {
    public var seed: UInt64
    /// Nil if every invariant held.
    public var failure: String?
    public var trace: [String] = []
    /// How often each situation occurred.
    public var counts: [String: Int] = [:]
    public var steps = 0
    public var virtualSeconds = 0.0
  }

  private let configuration: Configuration
  private let scheduler: Scheduler
  private let machines: [Machine]
  private let network: Network
  private let user: User
  private var counts: [String: Int] = [:]
  private var trace: [String] = []
  /// Only one machine's people work: then there is no reason for any conflict.
  private let onlyEditor: Int?
  private var actionNumber = 0
  private var isInterrupting = false
  /// Where two versions met: a copy and its original may hold the same there.
  private var conflicts: Set<BytePath> = []
  /// Lay at a path where an edit met a deletion that did not know of it.
  private var keptContents: Set<[UInt8]> = []

  private static let patience: UInt64 = 1_200_000_000_000

  public init(_ configuration: Configuration) {
    self.configuration = configuration
    let scheduler = Scheduler(seed: configuration.seed)
    self.scheduler = scheduler
    let count = [2, 2, 2, 3, 3, 4, 5][scheduler.random.below(7)]
    let skewed = scheduler.random.below(3) == 0
    machines = (0..<count).map { index in
      let years = skewed ? Int64(scheduler.random.below(19)) - 9 : 0
      return Machine(index: index, scheduler: scheduler, clockOffsetMilliseconds: years * 31_536_000_000)
    }
    var edges: [(Int, Int)] = []
    let isChain = scheduler.random.below(3) == 0
    for a in 0..<count {
      for b in (a + 1)..<max(a + 1, count) where !isChain || b == a + 1 { edges.append((a, b)) }
    }
    network = Network(scheduler, machines, edges: edges)
    user = User(scheduler)
    onlyEditor = scheduler.random.below(6) == 0 ? 0 : nil
    counts["nodes \(count)"] = 1
    if isChain, count > 2 { counts["chain"] = 1 }
    if skewed { counts["clocks years off"] = 1 }
    if onlyEditor != nil { counts["only one edits"] = 1 }
    for machine in machines {
      machine.interrupt = { [unowned self] in interrupt(machine) }
      machine.onReport = { [unowned self] event in
        if case .state(_) = event { return }
        switch event {
        case .conflict(let path, _): conflicts.insert(path)
        case .kept(let path): keptContents.formUnion(machines.compactMap { $0.volume.content(path) })
        default: break
        }
        note(machine, "\(event)")
      }
      machine.onDeath = { [unowned self] in
        network.machineEnded(machine.index)
        note(machine, "is killed in the middle of a step")
      }
    }
  }

  private func note(_ machine: Machine?, _ text: String) {
    trace.append("\(Double(scheduler.now / 1_000_000) / 1000) s \(machine.map { "\($0.name): " } ?? "")\(text)")
  }

  private func count(_ what: String) { counts[what, default: 0] += 1 }

  public func run() -> Outcome {
    var failure: String?
    do {
      try work()
    } catch {
      failure = "\(error)"
    }
    for machine in machines where machine.isRunning { machine.stop() }
    scheduler.finish()
    for (action, times) in user.counts { counts["user: \(action.rawValue)", default: 0] += times }
    counts["messages", default: 0] += network.delivered
    counts["messages lost in a cut", default: 0] += network.lostInCuts
    counts["messages repeated", default: 0] += network.repeated
    return Outcome(
      seed: configuration.seed, failure: failure, trace: merged(trace, user.log), counts: counts,
      steps: scheduler.steps, virtualSeconds: Double(scheduler.now) / 1e9)
  }

  private func merged(_ a: [String], _ b: [String]) -> [String] {
    func time(_ line: String) -> Double { Double(line.prefix { $0 != " " }) ?? 0 }
    return (a.enumerated().map { (time($1), 0, $0, $1) } + b.enumerated().map { (time($1), 1, $0, $1) })
      .sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
  }

  // MARK: The run

  private func work() throws {
    for machine in machines { try machine.start() }
    network.connectAll()
    if scheduler.random.below(2) == 0 { try settle("at first") }
    var done = 0
    while done < configuration.operations {
      scheduler.run(for: UInt64(scheduler.random.below(500_000_000)))
      for _ in 0...scheduler.random.below(4) where done < configuration.operations {
        actOnce()
        done += 1
      }
      try fault()
      if scheduler.random.below(40) == 0 { try settle("between") }
    }
    try settle("at the end")
    try checkAll()
    try checkThatRestartsChangeNothing()
  }

  private func actOnce() {
    actionNumber += 1
    let machine = machines[onlyEditor ?? scheduler.random.below(machines.count)]
    if let kept = configuration.kept, !kept.contains(actionNumber) { return }
    if !machine.isRunning { count("edits while the node is off") }
    user.act(on: machine, seed: configuration.seed &* 1_000_003 &+ UInt64(actionNumber))
  }

  /// People also work between any two system calls of a node.
  private func interrupt(_ machine: Machine) {
    guard !isInterrupting, onlyEditor == nil, scheduler.random.below(400) == 0 else { return }
    isInterrupting = true
    defer { isInterrupting = false }
    actionNumber += 1
    if let kept = configuration.kept, !kept.contains(actionNumber) { return }
    count("edits between two system calls")
    user.act(on: machine, seed: configuration.seed &* 1_000_003 &+ UInt64(actionNumber))
  }

  private func fault() throws {
    let machine = machines[scheduler.random.below(machines.count)]
    switch configuration.areFaultsOn ? scheduler.random.below(60) : 20 {
    case 0:
      guard machine.isRunning else { return }
      count("stops")
      note(machine, "stops")
      network.machineEnded(machine.index)
      machine.stop()
    case 1, 2:
      guard machine.isRunning else { return }
      count("kills")
      let calls = scheduler.random.below(30)
      note(machine, "is to be killed after \(calls) calls")
      machine.kill(afterCalls: calls)
      if !machine.isRunning { network.machineEnded(machine.index) }
    case 3, 4, 5, 6, 7, 8:
      for machine in machines where !machine.isRunning {
        note(machine, "starts")
        count("starts again")
        try machine.start()
      }
      network.connectAll()
    case 9, 10:
      count("cuts")
      note(nil, "a connection is cut")
      network.cutRandom()
    case 11:
      count("partitions")
      network.partRandom()
    case 12, 13:
      network.healAll()
      network.connectAll()
    case 14:
      count("clock jumps")
      machine.time.jump(milliseconds: Int64(scheduler.random.below(200_000_000)) - 100_000_000)
    case 15:
      guard let store = machine.node?.store else { return }
      count("compactions")
      try store.compact()
    case 16, 17, 18: putValue(machine)
    default: break
    }
  }

  private func putValue(_ machine: Machine) {
    guard let node = machine.node else { return }
    let key = StoreKey.value([UInt8(ascii: "k"), UInt8(scheduler.random.below(4))])
    guard let old = try? node.store.get(key) else {
      return put(node.store, key, VersionVector(), node.id.tag)
    }
    put(node.store, key, old.version?.vector ?? VersionVector(), node.id.tag)
  }

  private func put(_ store: Store, _ key: [UInt8], _ vector: VersionVector, _ author: AuthorTag) {
    let version = store.newVersion(basedOn: vector, author: author)
    count("values")
    if scheduler.random.below(4) == 0 {
      _ = try? store.commit([.delete(key: key, version: version)])
    } else {
      _ = try? store.commit([
        .put(key: key, value: randomBytes(seed: scheduler.random.next(), count: 12), version: version)
      ])
    }
  }

  // MARK: Rest

  /// Everybody runs and is connected; nothing else happens until all is the same everywhere.
  private func settle(_ when: String) throws {
    network.healAll()
    for machine in machines where !machine.isRunning { try machine.start() }
    let begun = scheduler.now
    var quietRounds = 0
    var reason = "?"
    while scheduler.now - begun < Self.patience {
      for machine in machines where !machine.isRunning { try machine.start() }
      network.connectAll()
      scheduler.run(for: quietRounds == 0 ? 1_000_000_000 : 3_000_000_000)
      if let why = unrest() {
        reason = why
        quietRounds = 0
        if scheduler.now - begun > Self.patience / 8 { scheduler.run(for: 20_000_000_000) }
        continue
      }
      quietRounds += 1
      if quietRounds == 3 { return }
    }
    var reasons = ["never at rest (\(when)): \(reason)", Checks.difference(machines) ?? "the trees are equal"]
    if let path = Checks.firstDifferentPath(machines) { reasons.append(Checks.entries(machines, of: path)) }
    for machine in machines {
      guard let node = machine.node else { continue }
      reasons.append("\(machine.name): \(scheduler.wait { await node.unsettledReason() })")
      if let path = scheduler.wait(for: { await node.mirror.status(pendingLimit: 1).pending.first?.path }) {
        reasons.append("  \(path):\n    " + Checks.entries(machines, of: path))
      }
    }
    throw SimulationError(reasons.joined(separator: "\n  "))
  }

  private func unrest() -> String? {
    if machines.contains(where: { !$0.isRunning }) { return "a node is off" }
    if !network.isComplete { return "a connection is missing" }
    if network.inFlight > 0 { return "messages are under way" }
    if let machine = machines.first(where: \.hasUndeliveredEvents) { return "\(machine.name)'s watcher has events" }
    for machine in machines {
      guard let node = machine.node else { continue }
      if !scheduler.wait(for: { await node.isSettled() }) { return "\(machine.name) is not settled" }
    }
    return Checks.difference(machines)
  }

  private func checkAll() throws {
    if let lost = Checks.lost(user, machines) { throw SimulationError("lost: \(lost)") }
    if let back = Checks.resurrected(user, machines, besides: conflicts, keptContents) {
      throw SimulationError("came back: \(back)")
    }
    if let twice = Checks.duplicateCopies(user, machines) { throw SimulationError("copied twice: \(twice)") }
    if let rest = Checks.leftovers(machines) { throw SimulationError("left over: \(rest)") }
    let copies = Checks.conflictCopies(machines)
    counts["conflict copies", default: 0] += copies.count
    if onlyEditor != nil, let copy = copies.first {
      throw SimulationError("a conflict although only one edits: \(copy)")
    }
  }

  /// Invariant 12: what a node wrote itself is no change of anybody's.
  private func checkThatRestartsChangeNothing() throws {
    let before = machines.map { $0.node?.store.counter ?? 0 }
    note(nil, "all restart")
    isInterrupting = true
    for machine in machines {
      network.machineEnded(machine.index)
      machine.stop()
      try machine.start()
    }
    try settle("after a restart")
    let after = machines.map { $0.node?.store.counter ?? 0 }
    // A counter that was given out and not used may be given out again: nobody has heard of it.
    if zip(before, after).contains(where: { $0 < $1 }) {
      let made = zip(machines, before).flatMap { Checks.versions(of: $0, after: $1) }
      throw SimulationError("a restart made versions (\(before) to \(after)): \(made.joined(separator: "; "))")
    }
  }
}
