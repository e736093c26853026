public import SoftadastraCore
internal import Synchronization

/// Until what was enqueued is as durable as promised, and until the log is closed.
extension WriteAheadLog {
  /// Returns when the batch is as durable as the log's options promise.
  public func wait(for ticket: WALTicket) async throws(SoftadastraError) {
    try await wait(sequence: ticket.sequences.upperBound)
  }

  /// The same for everything up to a sequence that was assigned.
  public func wait(sequence: UInt64) async throws(SoftadastraError) {
    if durableSequence >= sequence { return }
    let result = await withCheckedContinuation { continuation in
      let early = monitor.withLock { state -> Result<Void, SoftadastraError>? in
        if let result = outcome(state, sequence) { return result }
        state.waiters.append(Waiter(sequence: sequence, continuation: continuation))
        return nil
      }
      if let early { continuation.resume(returning: early) }
    }
    try result.get()
  }

  public func waitBlocking(for ticket: WALTicket) throws(SoftadastraError) {
    try waitBlocking(sequence: ticket.sequences.upperBound)
  }

  /// For threads that may block: not Swift's own.
  public func waitBlocking(sequence: UInt64) throws(SoftadastraError) {
    if durableSequence >= sequence { return }
    if monitor.step == nil { writer.withLock { $0 }?.writeHere() }
    try monitor.waitFor { outcome($0, sequence) }.get()
  }

  /// Makes everything enqueued so far durable, whatever the options promise. Blocks.
  public func sync() throws(SoftadastraError) {
    let target = monitor.withLock { state in
      state.syncWanted = max(state.syncWanted, state.nextSequence - 1)
      return state.nextSequence - 1
    }
    monitor.notify()
    let result: Result<Void, SoftadastraError> = monitor.waitFor { state in
      if state.synced >= target { return .success(()) }
      return failure(state).map { .failure($0) }
    }
    try result.get()
  }

  private func outcome(_ state: State, _ sequence: UInt64) -> Result<Void, SoftadastraError>? {
    if state.completed >= sequence { return .success(()) }
    if sequence >= state.nextSequence { return .failure(refuse("a sequence that was not assigned")) }
    return failure(state).map { .failure($0) }
  }

  // MARK: Closing

  /// Writes what is queued, syncs it and gives the directory free.
  ///
  /// Where the log has failed or has no room, what is queued is not written: whoever waited for it has been told.
  public func closeBlocking() {
    monitor.withLock { state in
      switch state.status {
      case .open: state.status = .closing(after: nil)
      case .full(let error), .failed(let error): state.status = .closing(after: error)
      case .closing, .closed: break
      }
    }
    monitor.notify()
    monitor.waitFor { state -> Void? in
      if case .closed = state.status { return () }
      return nil
    }
    lock.withLock { $0 = nil }
  }

  /// Closes without waiting: for an owner that goes away.
  public func closeSoon() {
    if monitor.step == nil { BackgroundThread.start { self.closeBlocking() } } else { closeBlocking() }
  }

  public func close() async {
    await withCheckedContinuation { continuation in
      BackgroundThread.start {
        self.closeBlocking()
        continuation.resume()
      }
    }
  }
}
