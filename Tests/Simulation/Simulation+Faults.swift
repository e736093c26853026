import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport

/// What goes wrong, and what changes, in the course of a run.
extension Simulation {
  func fault() throws {
    let machine = machines[scheduler.random.below(machines.count)]
    switch scheduler.random.below(60) {
    case 0:
      guard machine.isRunning else { return }
      count(.stop)
      faults += 1
      note(machine, "stops")
      stop(machine)
    case 1, 2:
      guard machine.isRunning else { return }
      count(.kill)
      faults += 1
      let calls = scheduler.random.below(30)
      note(machine, "is to be killed after \(calls) calls")
      machine.kill(afterCalls: calls)
      if !machine.isRunning { network.machineEnded(machine.index) }
    case 3, 4, 5, 6, 7, 8:
      for machine in machines where !machine.isRunning && mayStart(machine) {
        note(machine, "starts")
        count(.start)
        try machine.start()
      }
      network.connectAll()
    case 9, 10:
      cutOne()
    case 11:
      count(.partition)
      if isRing { count(.ringParted) }
      faults += 1
      network.partRandom()
    case 12, 13:
      network.healAll()
      network.connectAll()
    case 14:
      count(.clockJump)
      faults += 1
      machine.time.jump(milliseconds: Int64(scheduler.random.below(200_000_000)) - 100_000_000)
    case 15:
      guard let store = machine.node?.store else { return }
      count(.compaction)
      let isDone = (try? store.compact()) != nil
      if !isDone, !machine.hadTrouble { throw SimulationError("\(machine.name): a compaction failed") }
    case 16, 17, 18: putValue(machine)
    default: break
    }
  }

  func cutOne() {
    count(.cut)
    faults += 1
    note(nil, "a connection is cut")
    network.cutRandom()
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
    count(.value)
    if scheduler.random.below(4) == 0 {
      _ = try? store.commit([.delete(key: key, version: version)])
    } else {
      _ = try? store.commit([
        .put(key: key, value: randomBytes(seed: scheduler.random.next(), count: 12), version: version)
      ])
    }
  }
}
