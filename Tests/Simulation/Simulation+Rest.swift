import SoftadastraCore
import SoftadastraMirror
import SoftadastraStore

/// Waiting until everything is the same everywhere, and the invariants that hold then.
extension Simulation {
  /// Everybody runs and is connected; nothing else happens until all is the same everywhere.
  func settle(_ when: String) throws {
    network.healAll()
    for machine in machines { machine.endTrouble() }
    for machine in machines where !machine.isRunning { try machine.start() }
    let begun = scheduler.now
    var quietRounds = 0
    var reason = "?"
    while scheduler.now - begun < Self.patience {
      for machine in machines where !machine.isRunning { try machine.start() }
      try restartStopped()
      network.connectAll()
      scheduler.run(for: quietRounds == 0 ? 1_000_000_000 : 3_000_000_000)
      if let why = unrest() {
        reason = why
        quietRounds = 0
        if scheduler.now - begun > Self.patience / 8 { scheduler.run(for: 20_000_000_000) }
        continue
      }
      quietRounds += 1
      if quietRounds == 3 {
        user.encounters.forget()
        for machine in machines { machine.lostNames = [:] }
        return
      }
    }
    // What the author of a version lost, or wrote over, before anybody had it is waited for.
    if Checks.difference(machines) == nil, Checks.isOnlyLostContentWanted(machines) {
      return count(.lostContent)
    }
    var reasons = ["never at rest (\(when)): \(reason)", Checks.difference(machines) ?? "the trees are equal"]
    if let path = Checks.firstDifferentPath(machines) { reasons.append(Checks.entries(machines, of: path)) }
    for machine in machines {
      guard let node = machine.node else { continue }
      reasons.append("\(machine.name): \(scheduler.wait { await node.unsettledReason() })")
      if let path = scheduler.wait(for: { await node.mirror.status(pendingLimit: 1).pending.first?.path }) {
        reasons.append("  \(path):\n    " + Checks.entries(machines, of: path))
        if let original = ConflictName.original(of: path) {
          reasons.append("  \(original):\n    " + Checks.entries(machines, of: original))
        }
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

  func checkAll() throws {
    if let lost = Checks.lost(user, machines, besides: conflicts) { throw SimulationError("lost: \(lost)") }
    if let back = Checks.resurrected(user, machines, besides: conflicts, keptContents) {
      throw SimulationError("came back: \(back)")
    }
    if let falseFork { throw SimulationError("\(falseFork) saw a fork, and no state was restored or copied") }
    if let twice = Checks.duplicateCopies(user, machines) { throw SimulationError("copied twice: \(twice)") }
    // What a failed call left behind goes to the archive at the next start.
    if let rest = Checks.leftovers(machines.filter { !$0.hadTrouble }) { throw SimulationError("left over: \(rest)") }
    if let wrong = Checks.wrongTotals(machines) { throw SimulationError("wrong totals: \(wrong)") }
    let copies = Checks.conflictCopies(machines)
    add(copies.count, of: "conflict copies")
    if onlyEditor != nil, !hasForgotten, let copy = copies.first {
      throw SimulationError("a conflict although only one edits: \(copy)")
    }
  }

  /// Invariant 12: what a node wrote itself is no change of anybody's.
  func checkThatRestartsChangeNothing() throws {
    let before = machines.map { $0.node?.store.counter ?? 0 }
    note(nil, "all restart")
    isInterrupting = true
    for machine in machines {
      network.machineEnded(machine.index)
      machine.stop()
      try machine.start()
    }
    try settle("after a restart")
    if let rest = Checks.leftovers(machines) { throw SimulationError("left over after a restart: \(rest)") }
    // Other records than those of files (starts, watermarks) are no change of what people see.
    let made = zip(machines, before).flatMap { Checks.versions(of: $0, after: $1) }
    if !made.isEmpty { throw SimulationError("a restart made versions: \(made.joined(separator: "; "))") }
  }
}
