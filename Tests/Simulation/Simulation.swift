public import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport

/// One whole run: a group of nodes, people at work, faults, and at the end every invariant. The seed decides all of it.
public final class Simulation {
  public struct Configuration: Sendable {
    public var seed: UInt64
    /// So many of the user's actions at least take place.
    public var operations: Int
    /// Only these of the user's actions, by their number; nil for all. For shrinking.
    public var kept: Set<Int>?
    public var areFaultsOn = true
    /// The mistake that the nodes make in this run.
    public var mistake: DeliberateFault?
    public var troubles: Set<Trouble>

    public init(seed: UInt64, operations: Int = 200) {
      self.seed = seed
      self.operations = operations
      troubles = Trouble.ordinary(in: seed)
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

  let configuration: Configuration
  let scheduler: Scheduler
  let machines: [Machine]
  let network: Network
  let user: User
  private(set) var counts: [String: Int] = [:]
  private var trace: [String] = []
  /// Only one machine's people work: then there is no reason for any conflict.
  let onlyEditor: Int?
  private var actionNumber = 0
  /// Actions that took place.
  private var performed = 0
  /// Faults that took place.
  var faults = 0
  /// Whose people worked while their node was off.
  private var offlineEditors: Set<Int> = []
  /// One that is off for half of the run.
  private let traveller: Int?
  let isRing: Bool
  private var isTravelling = false
  var isInterrupting = false
  /// A machine lost its state: what it has seen it has not seen any more.
  var hasForgotten = false
  /// A machine's state was restored or copied.
  var hasRestored = false
  /// A machine whose history was taken for a forked one before any was.
  private(set) var falseFork: String?
  /// Where two versions met: a copy and its original may hold the same there.
  private(set) var conflicts: Set<BytePath> = []
  /// Lay at a path where an edit met a deletion that did not know of it.
  private(set) var keptContents: Set<ByteString> = []

  /// Few nodes meet more often; many cost time.
  private static let groupSizes = [2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5, 6, 7]

  private static let longAbsence: UInt64 = 240_000_000_000
  static let patience: UInt64 = 1_200_000_000_000

  /// So long deletions are remembered for members that are away, in a run with `Trouble.shortMemory` and in others.
  private static let shortMemoryMilliseconds: [UInt64] = [5000, 60_000]
  private static let memoryMilliseconds: UInt64 = 90 * 86_400_000

  public init(_ configuration: Configuration) {
    self.configuration = configuration
    let scheduler = Scheduler(seed: configuration.seed)
    self.scheduler = scheduler
    let count = Self.groupSizes[scheduler.random.below(Self.groupSizes.count)]
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
    traveller = scheduler.random.below(5) == 0 ? scheduler.random.below(count) : nil
    isRing = !isChain && count > 2
    counts["nodes \(count)"] = 1
    if isChain, count > 2 { self.count(.chain) }
    if skewed { self.count(.clockOff) }
    if onlyEditor != nil { self.count(.onlyOneEdits) }
    // Decided apart from all else, whose course stays what it was.
    var poor = SeededRandom(seed: configuration.seed ^ 0x0FA7)
    if poor.below(8) == 0 {
      for machine in machines where poor.below(2) == 0 {
        machine.volume.heldAttributes = .fat
        self.count(.poorVolume)
      }
    }
    #if SOFTADASTRA_FAULTS
      DeliberateFault.current = configuration.mistake
    #endif
    let memory =
      configuration.troubles.contains(.shortMemory)
      ? Self.shortMemoryMilliseconds[scheduler.random.below(Self.shortMemoryMilliseconds.count)]
      : Self.memoryMilliseconds
    for machine in machines {
      machine.patienceMilliseconds = memory
      machine.onForgotten = { [unowned self] forgotten, deletedWhileAway in
        if forgotten > 0 { self.count(.forgottenDeletion, forgotten) }
        if deletedWhileAway > 0 { self.count(.deletedWhileAway, deletedWhileAway) }
      }
      machine.onFork = { [unowned self] own in
        self.count(own == nil ? .noticedFork : .healedFork)
        if !hasRestored, falseFork == nil { falseFork = machine.name }
        note(machine, own.map { "takes a new replica ID: its history forked at \($0)" } ?? "refuses a forked history")
      }
      machine.interrupt = { [unowned self] in interrupt(machine) }
      machine.onReport = { [unowned self] event in
        if case .state(_) = event { return }
        switch event {
        case .conflict(let path, _): conflicts.insert(path)
        case .kept(let path):
          keptContents.formUnion(machines.compactMap { $0.volume.content(path) }.map { ByteString($0) })
        default: break
        }
        note(machine, "\(event)")
      }
      machine.onOverflow = { [unowned self] in
        self.count(.overflow)
        faults += 1
      }
      machine.onDeath = { [unowned self] in
        network.machineDied(machine.index)
        note(machine, "is killed")
      }
    }
  }

  func note(_ machine: Machine?, _ text: String) {
    trace.append("\(Double(scheduler.now / 1_000_000) / 1000) s \(machine.map { "\($0.name): " } ?? "")\(text)")
  }

  func count(_ situation: Situation, _ times: Int = 1) { counts[situation.rawValue, default: 0] += times }

  func add(_ times: Int, of what: String) { counts[what, default: 0] += times }

  public func run() -> Outcome {
    var failure: String?
    do {
      try work()
    } catch {
      failure = "\(error)"
    }
    for machine in machines where machine.isRunning { machine.stop() }
    scheduler.finish()
    takeStock()
    for machine in machines { machine.dismantle() }
    return Outcome(
      seed: configuration.seed, failure: failure, trace: merged(trace, user.log), counts: counts,
      steps: scheduler.steps, virtualSeconds: Double(scheduler.now) / 1e9)
  }

  private func takeStock() {
    for (action, times) in user.counts {
      counts["user: \(action.rawValue)", default: 0] += times
      if let situation = action.situation { count(situation, times) }
    }
    for (situation, times) in user.encounters.counts { count(situation, times) }
    counts["messages", default: 0] += network.delivered
    count(.lostMessage, network.lostInCuts)
    count(.repeatedMessage, network.repeated)
    count(.lateMessage, network.late)
    count(.cutInTransfer, network.cutTransfers)
    count(.slowBesideFast, network.slowBesideFast)
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
    while performed < configuration.operations {
      scheduler.run(for: UInt64(scheduler.random.below(500_000_000)))
      for _ in 0...scheduler.random.below(4) where performed < configuration.operations { actOnce() }
      try travel()
      if configuration.areFaultsOn {
        try fault()
        try trouble()
      }
      if !isTravelling, scheduler.random.below(40) == 0 {
        try settle("between")
        try copyMachine()
      }
    }
    try fulfil()
    try settle("at the end")
    try checkAll()
    try checkThatRestartsChangeNothing()
  }

  private func actOnce() {
    act(on: machines[onlyEditor ?? scheduler.random.below(machines.count)])
  }

  private func act(on machine: Machine) {
    actionNumber += 1
    if let kept = configuration.kept, !kept.contains(actionNumber) {
      performed += 1
      return
    }
    let seed = configuration.seed &* 1_000_003 &+ UInt64(actionNumber)
    let isDone = machine.shielded { user.act(on: machine, seed: seed) }
    guard isDone else { return }
    performed += 1
    if !machine.isRunning { workedOffline(machine) }
  }

  private func workedOffline(_ machine: Machine) {
    count(.offlineEdit)
    offlineEditors.insert(machine.index)
  }

  /// People also work between any two system calls of a node.
  private func interrupt(_ machine: Machine) {
    guard !isInterrupting, onlyEditor == nil, scheduler.random.below(400) == 0 else { return }
    isInterrupting = true
    defer { isInterrupting = false }
    count(.editBetweenCalls)
    act(on: machine)
  }

  /// One of the machines is away from the first fifth of the run to the fourth.
  private func travel() throws {
    guard let traveller, configuration.areFaultsOn else { return }
    let machine = machines[traveller]
    if isTravelling, performed >= configuration.operations * 4 / 5 {
      isTravelling = false
      count(.longAway)
      // Longer than deletions are remembered for it, with nothing else going on.
      if configuration.troubles.contains(.shortMemory) { scheduler.run(for: Self.longAbsence) }
      note(machine, "is back from far away")
      if !machine.isRunning { try machine.start() }
      network.connectAll()
    } else if !isTravelling, machine.isRunning, (40..<60).contains(performed * 200 / configuration.operations) {
      isTravelling = true
      note(machine, "goes far away")
      stop(machine)
    }
  }

  /// Whether a machine that is off may be started.
  func mayStart(_ machine: Machine) -> Bool { !(isTravelling && machine.index == traveller) }

  func stop(_ machine: Machine) {
    network.machineEnded(machine.index)
    machine.stop()
  }

  /// Each run has two faults, and on two machines an edit while the node is off.
  private func fulfil() throws {
    isTravelling = false
    guard configuration.areFaultsOn, configuration.kept == nil else { return }
    for machine in machines where offlineEditors.count < 2 && !offlineEditors.contains(machine.index) {
      if machine.isRunning {
        note(machine, "stops")
        count(.stop)
        faults += 1
        stop(machine)
      }
      if let onlyEditor, onlyEditor != machine.index {
        machine.shielded { user.writeOwn(on: machine) }
        workedOffline(machine)
      }
      while !offlineEditors.contains(machine.index) { act(on: machine) }
    }
    while faults < 2 { cutOne() }
  }
}
