public import SoftadastraCore
internal import Synchronization

extension WriteAheadLog {
  /// Segments of which at least this share is live are left as they are.
  public static let keptShare = 0.9

  /// Closes the segment that is written to, so that a compaction may take it. Blocks.
  public func roll() throws(SoftadastraError) {
    monitor.withLock { state in
      guard case .open = state.status, state.tailOffset > SegmentHeader.byteCount else { return }
      state.tailSegment = state.nextSequence
      state.tailOffset = SegmentHeader.byteCount
      // An empty chunk: the writer begins the segment, which makes the one before final.
      state.queue.append(
        Chunk(segment: state.tailSegment, offset: state.tailOffset, first: state.nextSequence, capacity: 0))
    }
    try sync()
    let target = tail.sequence
    try monitor.waitFor { state -> Result<Void, SoftadastraError>? in
      if let last = state.segments.last, last.first >= min(target, state.tailSegment) { return .success(()) }
      return failure(state).map { .failure($0) }
    }.get()
  }

  /// Rewrites all segments but the one written to, keeping the records that the closure calls live.
  ///
  /// Runs while the log is in use and may be cut short at any moment: a segment is replaced by one rename. Order and
  /// sequences stay. Blocks; one at a time. Damaged segments are left alone.
  ///
  /// - Parameters:
  ///   - keptShare: of live bytes, with which a large segment is left as it is; with 1 only one that is live as a whole.
  ///   - isLive: called for each record. `isBase` says that nothing superseded is left in any earlier segment, so
  ///     that a record which only undoes an earlier one may go.
  ///   - moved: called with the surviving records' new positions, right after they take effect.
  /// - Returns: how many bytes of records went.
  @discardableResult
  public func compact(
    keptShare: Double = WriteAheadLog.keptShare, isLive: (_ record: WALRecord, _ isBase: Bool) -> Bool,
    moved: ([WALPosition]) -> Void
  ) throws(SoftadastraError) -> UInt64 {
    let result: Result<UInt64, SoftadastraError> = compactionLock.withLock { _ in
      do throws(SoftadastraError) { return .success(try rewrite(keptShare, isLive, moved)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func rewrite(
    _ keptShare: Double, _ isLive: (WALRecord, Bool) -> Bool, _ moved: ([WALPosition]) -> Void
  ) throws(SoftadastraError) -> UInt64 {
    let all = monitor.withLock { $0.segments }
    var run = CompactionRun(capacity: options.segmentBytes)
    var isBase = true
    var freed: UInt64 = 0
    for (index, segment) in all.dropLast().enumerated() {
      if segment.isDamaged {
        freed += try install(&run, moved)
        isBase = false
        continue
      }
      let (bytes, isWhole) = try segment.file.readSurviving(count: Int(clamping: try segment.file.size()))
      var survivors = CompactionRun.Part(segment: segment, through: all[index + 1].first - 1)
      var scan = SegmentScan(name: segment.name, header: segment.header, limit: all[index + 1].first)
      try bytes.withUnsafeBytes { bytes -> Result<Void, SoftadastraError> in
        do throws(SoftadastraError) {
          try scan.run(bytes) { head, offset throws(SoftadastraError) in
            let end = offset + head.total
            let record = WALRecord(
              sequence: head.sequence, kind: head.kind,
              position: WALPosition(sequence: head.sequence, offset: UInt32(offset), length: head.length),
              payload: UnsafeRawBufferPointer(rebasing: bytes[offset + RecordHeader.byteCount..<end]))
            if isLive(record, isBase) { survivors.keep(offset..<end) }
          }
          return .success(())
        } catch { return .failure(error) }
      }.get()
      let total = Int(scan.report.bytes)
      if !isWhole || !scan.report.damage.isEmpty {
        freed += try install(&run, moved)
        isBase = false
      } else if survivors.count >= Int(Double(total) * keptShare), total * 2 > options.segmentBytes {
        freed += try install(&run, moved)
        if survivors.count < total { isBase = false }
      } else {
        if run.count + survivors.count > options.segmentBytes { freed += try install(&run, moved) }
        bytes.withUnsafeBytes { run.append(survivors, of: $0, dropped: total - survivors.count) }
      }
    }
    return freed + (try install(&run, moved))
  }

  /// Puts one file in the place of the run's segments.
  func install(
    _ run: inout CompactionRun, evenIfUnchanged: Bool = false, _ moved: ([WALPosition]) -> Void
  ) throws(SoftadastraError) -> UInt64 {
    defer { run = CompactionRun(capacity: options.segmentBytes) }
    guard let first = run.segments.first, run.segments.count > 1 || run.dropped > 0 || evenIfUnchanged else { return 0 }
    // What superseded the dropped records must not be lost while they are gone.
    try sync()

    let header = SegmentHeader(
      incarnation: random.next(), first: first.first, through: run.through, isCompacted: true)
    let positions = run.seal(for: header)
    let temporary = SegmentName.temporary(random.next())
    let file: any DiskFile
    do throws(SoftadastraError) {
      file = try disk.open(temporary, create: true)
      try file.write(at: 0, header.encoded())
      try file.write(at: UInt64(SegmentHeader.byteCount), run.bytes)
      try file.sync()
    } catch {
      try? disk.remove(temporary)
      throw error
    }
    let replaced = Set(run.segments.map(\.first))
    let result: Result<Void, SoftadastraError> = swapLock.withLock { _ in
      do throws(SoftadastraError) {
        try disk.rename(temporary, to: first.name)
        let segment = Segment(name: first.name, header: header, file: file)
        monitor.withLock { state in
          let at = state.segments.firstIndex { $0.first == first.first } ?? 0
          state.segments.removeAll { replaced.contains($0.first) }
          state.segments.insert(segment, at: at)
          state.usedBytes -= min(state.usedBytes, UInt64(run.dropped))
        }
        moved(positions)
        return .success(())
      } catch {
        try? disk.remove(temporary)
        return .failure(error)
      }
    }
    try result.get()
    try disk.syncDirectory()
    // Until here a crash finds the old files or the new one; from here their names only cost space.
    for segment in run.segments.dropFirst() { retire(segment) }
    return UInt64(run.dropped)
  }

  /// Gives back the disk space of retired segments that are kept for reuse, all but `kept` of them. Blocks.
  ///
  /// They spare the next burst the allocation of its segments. One that cannot be removed is left to the next opening.
  public func releaseSpareSegments(keeping kept: Int = 1) {
    let spare = monitor.withLock { state in
      let spare = Array(state.free.dropFirst(kept))
      state.free.removeLast(spare.count)
      return spare
    }
    for name in spare { try? disk.remove(name) }
  }

  /// Keeps the file for reuse, or removes it.
  private func retire(_ segment: Segment) {
    let free = SegmentName.free(random.next())
    let hasRoom = monitor.withLock { $0.free.count < options.recycledSegments } && !segment.header.isCompacted
    if hasRoom, (try? disk.rename(segment.name, to: free)) != nil {
      // A reader may still hold the file; it is written to only under its new name and a new incarnation, which
      // turns a late read into a mismatch and never into other bytes.
      monitor.withLock { $0.free.append(free) }
    } else {
      try? disk.remove(segment.name)
    }
  }
}
