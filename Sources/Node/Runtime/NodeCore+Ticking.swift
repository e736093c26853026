internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync

/// What is done every five seconds, less often at rest, and what a node at rest gives back.
extension NodeCore {
  func ticking() -> Task<Void, Never> {
    Task { [weak self] in
      var leftOut = 0
      while !Task.isCancelled {
        guard (try? await Task.sleep(for: Quiet.tickPause)) != nil, let self else { return }
        guard leftOut == 0 else {
          leftOut -= 1
          ProcessMemory.unmapProgram()
          continue
        }
        await self.tickEngine()
        leftOut = await self.ticksToLeaveOut
      }
    }
  }

  /// None while something is to be asked for again at a tick.
  private var ticksToLeaveOut: Int { replicator.isWaitingForRoom ? 0 : quiet.leavesOut }

  func tickEngine() {
    guard !isStopping else { return }
    lastTick = replicator.tick()
    quiet.tick(activity &+ store.lastSequence)
    let quiet = quiet
    Task {
      await copySettings()
      // Last: what has run until here needs its pages no more.
      if quiet.isQuiet { await giveBackMemory(quiet) }
    }
  }

  /// A node at rest holds its index and little else.
  private func giveBackMemory(_ quiet: Quiet) async {
    let store = self.store
    if quiet.hasJustBegun { for mirror in folders.values.map(\.mirror) { await mirror.giveBackMemory() } }
    await pool.run {
      if quiet.hasJustBegun { store.giveBackMemory() }
      if quiet.givesMemoryBack { ProcessMemory.giveBack() }
      if quiet.hasJustBegun {
        // These need some for seconds: only when what the burst held is gone. They leave something, too.
        if store.closeGaps() { ProcessMemory.giveBack() }
        store.compactAtRest { ProcessMemory.giveBack() }
      }
      ProcessMemory.unmapProgram()
    }
  }

  func tickNow() -> TickResult {
    tickEngine()
    return lastTick
  }
}
