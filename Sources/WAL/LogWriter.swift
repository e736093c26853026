internal import SoftadastraCore

/// The state of whoever writes: the file that is written to. Its thread runs until its log is closed.
///
/// A thread that waits for its own records may write them itself while the writer's thread is idle (`writeHere`): that
/// spares two switches between threads. `State.isWriting` says who is at it; nobody else touches anything in here.
final class LogWriter: @unchecked Sendable {
  private static let largeGroupBytes = 64 << 10

  /// Owns this.
  unowned let log: WriteAheadLog
  /// Planned first sequence of the segment in `file`: chunks name their segment by it.
  var planned: UInt64
  var segment: Segment
  /// Up to here the file is written or zero-filled.
  var filled: Int
  /// Sequences up to this are synced.
  var synced: UInt64
  /// Sequences up to this are written to the segment.
  private var written: UInt64
  var unsyncedBytes = 0
  /// By then the first of these is to be synced.
  private var syncAt: UInt64 = 0
  /// The next attempt while there is no room.
  var retryAt: UInt64 = 0
  private var isFinished = false

  init(log: WriteAheadLog, segment: Segment, filled: Int, synced: UInt64) {
    self.log = log
    self.segment = segment
    planned = segment.first
    self.filled = filled
    self.synced = synced
    written = synced
  }

  private enum Work {
    /// All of one segment.
    case write([Chunk])
    case sync
    case retry
    case stop
  }

  func run() {
    while true {
      let goesOn = perform(nextWork())
      release()
      guard goesOn else { return }
    }
  }

  /// Writes and syncs what is queued on the caller's thread, unless another is at it: then that is told of what is queued.
  /// Only for durable logs: what others wrote waits in the file for the thread's deadlines.
  func writeHere() {
    let work = log.monitor.withLock { state -> Work? in
      guard log.options.durability == .durable, !state.isWriting, case .open = state.status, !state.queue.isEmpty,
        let work = next(&state, now: 0)
      else { return nil }
      state.isWriting = true
      return work
    }
    guard let work else { return log.monitor.notify() }
    _ = perform(work)
    if release() { log.monitor.notify() }
  }

  /// True if there is something left for the thread.
  @discardableResult
  private func release() -> Bool {
    log.monitor.withLock { state in
      state.isWriting = false
      if case .open = state.status { return !state.queue.isEmpty || state.syncWanted > state.synced }
      return true
    }
  }

  /// One step without waiting, as if every deadline had passed once nothing else is left: for logs whose writer has no
  /// thread. False if there is nothing to do.
  func step() -> Bool {
    guard !isFinished, let work = log.monitor.withLock({ next(&$0, now: 0) ?? next(&$0, now: .max) }) else {
      return false
    }
    return perform(work)
  }

  /// False at the end.
  private func perform(_ work: Work) -> Bool {
    switch work {
    case .write(let chunks): write(chunks)
    case .sync: syncNow()
    case .retry: recover(nil)
    case .stop:
      markEnd()
      finish()
      isFinished = true
      return false
    }
    return true
  }

  private func nextWork() -> Work {
    log.monitor.waitFor { state, now in
      guard !state.isWriting else { return .wait(until: nil) }
      guard let work = next(&state, now: now) else { return .wait(until: deadline(state)) }
      state.isWriting = true
      return .done(work)
    }
  }

  private func next(_ state: inout WriteAheadLog.State, now: UInt64) -> Work? {
    switch state.status {
    case .failed, .closed: return nil
    case .closing(after: _?): return .stop
    case .full: return now >= retryAt ? .retry : nil
    case .open, .closing(after: nil): break
    }
    if unsyncedBytes > 0 {
      // What comes in meanwhile does not put it off.
      if now >= syncAt || unsyncedBytes >= WriteAheadLog.fastSyncBytes { return .sync }
      if state.queue.isEmpty, state.syncWanted > synced { return .sync }
    }
    if !state.queue.isEmpty {
      let name = state.queue[0].segment
      let count = state.queue.firstIndex { $0.segment != name } ?? state.queue.count
      let taken = Array(state.queue[..<count])
      state.queue.removeFirst(count)
      state.held.append(contentsOf: taken)
      return .write(taken)
    }
    if case .closing = state.status { return unsyncedBytes > 0 ? .sync : .stop }
    return nil
  }

  /// When there is something to do although nobody asks.
  private func deadline(_ state: WriteAheadLog.State) -> UInt64? {
    if case .full = state.status { return retryAt }
    if case .open = state.status, unsyncedBytes > 0 { return syncAt }
    return nil
  }

  private func write(_ chunks: [Chunk]) {
    do throws(SoftadastraError) {
      if chunks[0].segment != planned {
        // A group never spans segments: the older one is complete before the next exists.
        if unsyncedBytes > 0 { try syncSegment() }
        try begin(chunks[0].segment, first: chunks[0].first, dataOffset: SegmentHeader.byteCount)
      }
      try put(chunks)
      if log.options.durability == .durable || chunks.last!.count == 0 { try syncSegment() }
    } catch {
      recover(error)
      return
    }
    complete(through: chunks.last!.last)
  }

  /// Writes the chunks as part of the group that began after the last sync.
  func put(_ chunks: [Chunk]) throws(SoftadastraError) {
    for chunk in chunks where chunk.count > 0 {
      chunk.seal(mark: segment.header.mark, group: synced + 1)
      try segment.file.write(at: UInt64(chunk.offset), chunk.bytes)
      if unsyncedBytes == 0 { syncAt = Monitor<WriteAheadLog.State>.now() + WriteAheadLog.fastSyncNanoseconds }
      unsyncedBytes += chunk.count
      filled = max(filled, chunk.end)
    }
    written = max(written, chunks.last!.last)
    // A large group pays for the file's growth by itself; zeros ahead of it would double what the disk has to write.
    if chunks.reduce(0, { $0 + $1.count }) < Self.largeGroupBytes { fillAhead(chunks.last!.end) }
  }

  /// Zeros ahead of the records, in steps that grow with the segment: a sync then changes no file size.
  ///
  /// Only an economy: when it fails, the next write extends the file itself and learns the reason.
  private func fillAhead(_ end: Int) {
    guard filled == end, end < log.options.segmentBytes else { return }
    let target = min(log.options.segmentBytes, end + min(log.options.fillBytes, max(end, 64 << 10)))
    var at = end
    let block = [UInt8](repeating: 0, count: min(1 << 20, target - end))
    while at < target {
      let count = min(block.count, target - at)
      guard (try? segment.file.write(at: UInt64(at), count == block.count ? block : Array(block[..<count]))) != nil
      else { return }
      at += count
    }
    filled = target
  }

  private func syncSegment() throws(SoftadastraError) {
    try segment.file.sync()
    unsyncedBytes = 0
    log.monitor.withLock { state in
      // Chunks that were taken and not written yet stay held: they belong to the next group, and to the next segment.
      synced = max(synced, written)
      state.held.removeAll { $0.last <= written }
      state.synced = synced
    }
  }

  private func syncNow() {
    do throws(SoftadastraError) { try syncSegment() } catch {
      recover(error)
      return
    }
    log.monitor.notify()
  }

  func complete(through last: UInt64) {
    let (done, callbacks) = log.monitor.withLock { state -> ([WriteAheadLog.Waiter], [@Sendable (UInt64) -> Void]) in
      guard last > state.completed else { return ([], []) }
      state.completed = last
      log.publish(last)
      let queued = state.queue.reduce(0) { $0 + $1.count } + state.held.reduce(0) { $0 + $1.count }
      state.usedBytes += UInt64(max(0, state.queuedBytes - queued))
      state.queuedBytes = queued
      var done: [WriteAheadLog.Waiter] = []
      if !state.waiters.isEmpty {
        done = state.waiters.filter { $0.sequence <= last }
        state.waiters.removeAll { $0.sequence <= last }
      }
      return (done, state.callbacks)
    }
    for waiter in done { waiter.continuation.resume(returning: .success(())) }
    log.monitor.notify()
    for callback in callbacks { callback(last) }
  }

  private func finish() {
    let waiters = log.monitor.withLock { state -> [WriteAheadLog.Waiter] in
      state.status = .closed
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: .failure(log.closedError)) }
    log.monitor.notify()
  }
}
