public import SoftadastraCore
internal import SoftadastraFS

/// Whether a folder is at rest, and who waits for it; and its way to the worker threads.
extension FolderMirror {
  func halt(_ error: SoftadastraError) {
    guard isRunning else { return }
    isRunning = false
    change(to: .stopped(error))
    abandon()
  }

  /// The log takes nothing any more: the folder says so and stops.
  public func logFailed(_ error: SoftadastraError) { halt(error) }

  func change(to new: MirrorState) {
    guard state != new else { return }
    if case .stopped = state { return }
    state = new
    host.report(.state(new))
  }

  var isQuiet: Bool {
    dirty.isEmpty && deferred.isEmpty && changing.isEmpty && frontier.isEmpty && moves.isEmpty && !isObserving
      && !isApplying
      && finishing == 0 && !pending.hasQueued && fetches.isEmpty && seeding.isEmpty
      && fetchQueue.isEmpty
  }

  func noteProgress() {
    if !frontier.isEmpty {
      change(to: .scanning)
    } else if isQuiet {
      change(to: .idle)
      resumeIdleWaiters()
    } else {
      change(to: .syncing)
    }
  }

  func resumeBatchWaiters() {
    for waiter in batchWaiters { waiter.resume() }
    batchWaiters.removeAll()
  }

  func resumeIdleWaiters() {
    for waiter in idleWaiters { waiter.resume() }
    idleWaiters.removeAll()
  }

  /// Returns when everything seen so far is taken in and everything that can be applied is.
  public func settle() async {
    while isRunning, !isQuiet {
      finishNow()
      await withCheckedContinuation { idleWaiters.append($0) }
    }
  }

  /// Runs closures over slices of `inputs` on the pool, side by side; results in order.
  nonisolated func onPool<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], slice: Int = FolderMirror.slice, _ body: @escaping @Sendable (Input) -> Output
  ) async -> [Output] {
    let volume = self.volume
    if inputs.count <= slice { return await pool.run { volume.holdingDirectories { inputs.map(body) } } }
    let slices = stride(from: 0, to: inputs.count, by: slice).map {
      Array(inputs[$0..<min($0 + slice, inputs.count)])
    }
    return await withTaskGroup(of: (Int, [Output]).self) { group in
      for (index, slice) in slices.enumerated() {
        group.addTask { (index, await self.pool.run { volume.holdingDirectories { slice.map(body) } }) }
      }
      var results = [[Output]](repeating: [], count: slices.count)
      for await (index, outputs) in group { results[index] = outputs }
      return results.flatMap { $0 }
    }
  }

  /// The same, each result taken as soon as its slice is done, in any order, while the rest is still being worked on.
  func eachOnPool<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], slice: Int, _ body: @escaping @Sendable (Input) -> Output,
    taking take: (Input, Output) async -> Void
  ) async {
    let volume = self.volume
    await withTaskGroup(of: [(Input, Output)].self) { group in
      for start in stride(from: 0, to: inputs.count, by: slice) {
        let part = Array(inputs[start..<min(start + slice, inputs.count)])
        group.addTask { await self.pool.run { volume.holdingDirectories { part.map { ($0, body($0)) } } } }
      }
      for await results in group {
        for (input, output) in results { await take(input, output) }
      }
    }
  }
}
