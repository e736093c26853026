import Glibc
import TestSupport

/// Kinds of trouble, mostly with disks, beside the faults that every run has.
public enum Trouble: String, CaseIterable, Sendable {
  /// Calls on the folder fail with EIO for a while.
  case ioErrors = "io-errors"
  /// The folder's filesystem is full for a while.
  case fullVolume = "full-volume"
  /// A write or an fsync of the log fails once.
  case logErrors = "log-errors"
  /// The log's filesystem is full for a while.
  case fullLog = "full-log"
  /// What was not synced is lost, in any subset, or torn: of the log, of the folder, and of people's work.
  case powerLoss = "power-loss"
  /// The state directory is gone; the folder is not.
  case lostState = "lost-state"
  /// The state directory is as it was when a backup was made; the folder is not.
  case restoredState = "restored-state"
  /// State and folder are as they were when a backup was made.
  case restoredMachine = "restored-machine"
  /// A machine is replaced by a copy of another one, which goes on. The node sees it: a copy has another node's key only
  /// because it saw that it is one.
  case copiedMachine = "copied-machine"
  /// Deletions are remembered for seconds or a minute for members that are away, not for months.
  case shortMemory = "short-memory"

  /// What every run may have.
  public static let usual: Set<Trouble> = [.ioErrors, .fullVolume, .logErrors, .fullLog]
  /// What a few runs have besides, one of it each. What is found with the rest is in share/doc/reliability.md.
  public static let rare: [Trouble] = [.lostState, .restoredState, .restoredMachine, .copiedMachine, .shortMemory]
  private static let rareOneIn: UInt64 = 8

  /// What a run of the ordinary mix may have.
  static func ordinary(in seed: UInt64) -> Set<Trouble> {
    guard seed % rareOneIn == 0 else { return usual }
    return usual.union([rare[Int(seed / rareOneIn % UInt64(rare.count))]])
  }
  /// After these a replica's history forks.
  static let forking: Set<Trouble> = [.restoredState, .restoredMachine, .copiedMachine]

  /// What a series must have met of it.
  var situation: Situation {
    switch self {
    case .ioErrors: .ioErrors
    case .fullVolume: .fullVolume
    case .logErrors: .logErrors
    case .fullLog: .fullLog
    case .powerLoss: .powerLoss
    case .lostState: .lostState
    case .restoredState: .restoredState
    case .restoredMachine: .restoredMachine
    case .copiedMachine: .copiedMachine
    case .shortMemory: .deletedWhileAway
    }
  }
}

/// Calls of a process on its folder that fail.
struct FailingCalls {
  /// What a full filesystem refuses.
  private static let growing: Set<MemoryVolume.Operation> = [
    .stage, .write, .copy, .link, .makeDirectory, .makeSymlink, .exchange, .displace, .sync, .barrier,
  ]

  let errno: Int32
  /// One call in so many fails.
  let oneIn: Int
  let until: UInt64

  func concerns(_ operation: MemoryVolume.Operation) -> Bool { errno == EIO || Self.growing.contains(operation) }
}

extension Simulation {
  /// Now and then one of the kinds of trouble that this run may have.
  func trouble() throws {
    // A short memory is for the whole run; machines are copied at rest.
    let kinds = Trouble.allCases.filter {
      ![.shortMemory, .copiedMachine].contains($0) && configuration.troubles.contains($0)
    }
    guard !kinds.isEmpty, scheduler.random.below(25) == 0 else { return }
    let machine = machines[scheduler.random.below(machines.count)]
    let kind = kinds[scheduler.random.below(kinds.count)]
    guard try begin(kind, machine) else { return }
    note(machine, "trouble: \(kind.rawValue)")
    count(kind.situation)
    faults += 1
  }

  /// False if it cannot be there.
  private func begin(_ kind: Trouble, _ machine: Machine) throws -> Bool {
    let whileNanoseconds = UInt64(scheduler.random.below(3_000_000_000))
    switch kind {
    case .ioErrors, .fullVolume:
      guard machine.isSettledIn else { return false }
      machine.failCalls(
        FailingCalls(
          errno: kind == .ioErrors ? EIO : ENOSPC, oneIn: kind == .ioErrors ? 20 : 1,
          until: scheduler.now + whileNanoseconds))
    case .logErrors:
      guard machine.isSettledIn else { return false }
      machine.failLog(scheduler.random.below(2) == 0 ? .sync : .write, times: 1, errno: EIO)
    case .fullLog:
      guard machine.isSettledIn else { return false }
      machine.failLog(.write, times: 1 + scheduler.random.below(50), errno: ENOSPC)
    case .powerLoss:
      guard machine.isRunning else { return false }
      let before = user.names(of: machine)
      machine.losePower(seed: scheduler.random.next())
      user.lostPower(machine, before: before, others: machines)
    case .lostState:
      guard !machine.isRunning else { return false }
      machine.loseState()
      hasForgotten = true
      user.lostState()
    case .restoredState, .restoredMachine:
      guard machine.hasBackup else {
        machine.makeBackup()
        note(machine, "a backup is made")
        return false
      }
      if machine.isRunning { stop(machine) }
      restore(machine, isWhole: kind == .restoredMachine)
    case .shortMemory, .copiedMachine: return false
    }
    return true
  }

  private func restore(_ machine: Machine, isWhole: Bool) {
    let before = user.names(of: machine)
    machine.restoreBackup(isWhole: isWhole, isSeen: scheduler.random.below(2) == 0)
    // What was on this machine only is gone with it.
    if isWhole { user.lostPower(machine, before: before, others: machines) }
    hasForgotten = true
    hasRestored = true
    user.lostState()
  }

  /// While all is the same everywhere, one machine becomes a copy of another.
  func copyMachine() throws {
    guard configuration.areFaultsOn, configuration.troubles.contains(.copiedMachine), onlyEditor == nil,
      scheduler.random.below(2) == 0
    else { return }
    let first = scheduler.random.below(machines.count)
    let copy = machines[(first + 1 + scheduler.random.below(machines.count - 1)) % machines.count]
    note(copy, "becomes a copy of \(machines[first].name)")
    count(.copiedMachine)
    faults += 1
    stop(copy)
    copy.become(machines[first])
    hasForgotten = true
    hasRestored = true
    user.lostState()
    try copy.start()
    network.connectAll()
  }

  /// What a person does when a folder has stopped for good: starts the node again.
  func restartStopped() throws {
    for machine in machines where machine.hasStoppedFolder {
      note(machine, "is started again: its folder had stopped")
      add(1, of: "folders that had stopped")
      stop(machine)
      try machine.start()
    }
  }
}
