internal import SoftadastraCore

/// From one segment to the next: in order, after a failure, and at the end.
extension LogWriter {
  /// Makes another segment the one that is written to. Its file bears the name only once its head is durable.
  func begin(_ name: UInt64, first: UInt64, dataOffset: Int) throws(SoftadastraError) {
    let recycled = log.monitor.withLock { $0.free.popLast() }
    let created = try log.createSegment(
      SegmentHeader(
        incarnation: log.random.next(), first: first, dataOffset: UInt32(dataOffset), isRecycled: recycled != nil),
      reusing: recycled)
    segment = created
    planned = name
    filled = max(dataOffset, Int(clamping: (try? created.file.size()) ?? 0))
    log.monitor.withLock { state in
      state.segments.removeAll { $0.first == first }
      state.segments.append(created)
    }
  }

  /// After a failed write or sync nothing in the file since the last sync is trusted: the kernel may have dropped
  /// it and report success next time. The records go to a new segment, at the same offsets.
  func recover(_ cause: SoftadastraError?) {
    var failure = cause
    do throws(SoftadastraError) {
      let held = log.monitor.withLock { state -> [Chunk] in
        state.held
      }
      var index = 0
      while index < held.count {
        let name = held[index].segment
        let end = held[index...].firstIndex { $0.segment != name } ?? held.count
        let part = Array(held[index..<end])
        unsyncedBytes = 0
        try begin(name, first: part[0].first, dataOffset: part[0].offset)
        try put(part)
        try segment.file.sync()
        unsyncedBytes = 0
        synced = max(synced, part.last!.last)
        index = end
      }
      failure = nil
      log.monitor.withLock { state in
        state.held.removeAll()
        state.synced = synced
        switch state.status {
        case .full: state.status = .open
        case .closing: state.status = .closing(after: nil)
        case .open, .failed, .closed: break
        }
      }
      complete(through: synced)
    } catch { failure = error }
    if let failure { fail(failure) }
  }

  private func fail(_ error: SoftadastraError) {
    retryAt = Monitor<WriteAheadLog.State>.now() + WriteAheadLog.retryNanoseconds
    let waiters = log.monitor.withLock { state -> [WriteAheadLog.Waiter] in
      if case .closing = state.status {
        state.status = .closing(after: error)
      } else if error.code == .noSpace || error.code == .quota {
        state.status = .full(error)
      } else {
        state.status = .failed(error)
      }
      defer { state.waiters = [] }
      return state.waiters
    }
    let told = log.monitor.withLock { log.failure($0) } ?? error
    for waiter in waiters { waiter.continuation.resume(returning: .failure(told)) }
    log.monitor.notify()
  }

  /// Proves to the next reader that everything before it had been durable: bad bytes there are damage then, and no torn
  /// tail. Only evidence: a log without it is as good as one that was cut off.
  func markEnd() {
    let place = log.monitor.withLock { state -> (offset: Int, sequence: UInt64)? in
      guard case .closing(after: nil) = state.status, state.tailSegment == planned, state.held.isEmpty,
        state.queue.isEmpty,
        synced + 1 == state.nextSequence, synced >= segment.first
      else { return nil }
      return (state.tailOffset, state.nextSequence)
    }
    guard let place else { return }
    let mark = RecordHeader.endMark(sequence: place.sequence, mark: segment.header.mark)
    guard (try? segment.file.write(at: UInt64(place.offset), mark)) != nil else { return }
    try? segment.file.sync()
  }
}
