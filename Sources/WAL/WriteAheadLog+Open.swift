public import SoftadastraCore

extension WriteAheadLog {
  /// Takes the directory's lock, replays what is there and starts the writer.
  ///
  /// - Parameters:
  ///   - from: with a checkpoint, the log's `tail` when it was begun: replay starts with that sequence.
  ///   - replay: called for each record of each complete batch, in order.
  ///
  /// Fails with `.conflict` if another process holds the log. Damage does not fail: see `damage`.
  public static func open(
    disk: any Disk, options: WALOptions = WALOptions(), random: any RandomSource, from: WALPosition? = nil,
    replay: (WALRecord) throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) -> WriteAheadLog {
    let lock = try disk.lock(options.lockName)
    return try open(disk: disk, options: options, random: random, lock: lock, from: from, replay: replay)
  }

  /// The same with the lock already held.
  public static func open(
    disk: any Disk, options: WALOptions, random: any RandomSource, lock: any DiskLock, from: WALPosition?,
    replay: (WALRecord) throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) -> WriteAheadLog {
    var reading = try LogReading(disk: disk)
    try reading.run(from: from, replay: replay)
    try reading.removeLeftovers(keeping: options.recycledSegments)

    var state = State(
      nextSequence: reading.next, tailSegment: 0, tailOffset: 0, completed: reading.next - 1,
      synced: reading.next - 1, segments: reading.segments, usedBytes: reading.usedBytes, free: reading.free)
    var filled = 0
    if let active = reading.active {
      // Whatever a crash left behind the last whole batch must not come to life behind new records.
      if active.hasRubbish {
        try active.segment.file.truncate(to: UInt64(active.end))
      } else if active.hasEndMark {
        try active.segment.file.write(
          at: UInt64(active.end), [UInt8](repeating: 0, count: RecordHeader.byteCount))
      }
      try active.segment.file.sync()
      state.tailOffset = active.end
      filled = active.hasRubbish ? active.end : Int(clamping: try active.segment.file.size())
    } else {
      // Of one with that name nothing could be read. It stays, and is damage at every opening, until the log is mended.
      if state.segments.last?.first == reading.next {
        state.nextSequence += 1
        state.completed += 1
        state.synced += 1
      }
      let header = SegmentHeader(incarnation: random.next(), first: state.nextSequence)
      state.segments.append(try createSegment(disk, random, header, reusing: nil))
      state.tailOffset = SegmentHeader.byteCount
      filled = SegmentHeader.byteCount
    }
    let active = state.segments.last!
    state.tailSegment = active.first
    let log = WriteAheadLog(
      disk: disk, options: options, random: random, lock: lock, state: state, damage: reading.report.damage,
      tornTail: reading.report.tornTail, unread: reading.unread(from: from))
    let writer = LogWriter(log: log, segment: active, filled: filled, synced: state.synced)
    switch options.writer {
    case .thread:
      log.use(writer)
      // The thread keeps the log until it is closed.
      BackgroundThread.start { withExtendedLifetime(log) { writer.run() } }
    case .steps(let schedule):
      log.monitor.step = { writer.step() }
      log.monitor.noticed = { [weak log] in
        guard let log else { return }
        schedule { [weak log] in
          while let step = log?.monitor.step, step() {}
        }
      }
    }
    return log
  }

  /// The segments of a directory, without reading more than their heads. For deciding whether a checkpoint fits.
  public static func segments(of disk: any Disk) throws(SoftadastraError) -> [WALSegmentInfo] {
    try LogReading(disk: disk).segments.map { WALSegmentInfo(first: $0.first, incarnation: $0.header.incarnation) }
  }

  /// Reads a whole log without writing to it or taking its lock.
  public static func verify(disk: any Disk) throws(SoftadastraError) -> WALReport {
    var reading = try LogReading(disk: disk)
    try reading.run(from: nil) { _ in }
    reading.report.segments = reading.segments.count
    reading.report.lastSequence = reading.next - 1
    return reading.report
  }

  func createSegment(_ header: SegmentHeader, reusing free: String?) throws(SoftadastraError) -> Segment {
    try Self.createSegment(disk, random, header, reusing: free)
  }

  /// Makes a segment whose head is durable before the file bears its name: a `.wal` file with a bad head is damage.
  static func createSegment(
    _ disk: any Disk, _ random: any RandomSource, _ header: SegmentHeader, reusing free: String?
  ) throws(SoftadastraError) -> Segment {
    let temporary = free ?? SegmentName.temporary(random.next())
    let name = SegmentName.of(header.first)
    do throws(SoftadastraError) {
      let file = try disk.open(temporary, create: free == nil)
      try file.write(at: 0, header.encoded())
      try file.sync()
      try disk.rename(temporary, to: name)
      try disk.syncDirectory()
      return Segment(name: name, header: header, file: file)
    } catch {
      try? disk.remove(temporary)
      throw error
    }
  }
}
