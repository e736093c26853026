public import SoftadastraCore
internal import SoftadastraWAL
internal import Synchronization

/// Compactions and checkpoints: one at a time, none after closing.
final class Maintenance: Sendable {
  /// New log bytes after which a checkpoint pays.
  static let checkpointBytes: UInt64 = 64 << 20
  static let closingCheckpointBytes: UInt64 = 4 << 20
  static let pauseNanosecondsAfterFailure: UInt64 = 60_000_000_000

  struct Progress {
    var isRunning = false
    var checkpointedBytes: UInt64 = 0
    /// What a compaction left beside the live entries: renewed tags, and erasures that older records still need.
    var leftBytes: UInt64 = 0
    /// The same of the last one that was not in a burst: what lay in segments that were mostly live in its middle may have
    /// become worth the work since.
    var leftAtRest: UInt64 = 0
    /// The node came to rest while something was running.
    var isRestMissed = false
    /// Who is to hear when what is done about that has ended.
    var missed: [@Sendable () -> Void] = []
    var notBefore: UInt64 = 0
    /// The log is damaged below what this life read: no more checkpoints.
    var isSuspended = false
  }

  /// Held for the whole of a compaction, a checkpoint or the closing; true when closed.
  let gate = Mutex(false)
  let progress = Mutex(Progress())
}

extension Store {
  private static let entriesPerBlock = 4096

  func startMaintenance(replayedFrom: WALPosition?) {
    guard let wal else { return }
    maintenance.progress.withLock { $0.checkpointedBytes = replayedFrom == nil ? 0 : wal.byteCount }
    wal.onDurable { [weak self] sequence in
      guard let self else { return }
      announce(sequence)
      maintainIfDue()
    }
  }

  /// Compacts the log in the background if what is superseded is a quarter of what is live, and above the options' floor:
  /// what is not worth the work in a burst is worth it when there is nothing else to do. Segments that a burst left for
  /// reuse go, all but one.
  ///
  /// - Parameter then: called on the background's thread when the work that this call began, or found running, has ended; not
  ///   if there is none.
  public func compactAtRest(then: (@Sendable () -> Void)? = nil) {
    maintainIfDue(isAtRest: true, then: then.map { [$0] } ?? [])
  }

  /// False if nothing was begun.
  @discardableResult
  private func maintainIfDue(isAtRest: Bool = false, then: [@Sendable () -> Void] = []) -> Bool {
    guard let wal, options.isMaintainedAutomatically else { return false }
    let bytes = wal.byteCount
    let live = state.withLock { $0.liveBytes }
    let superseded = bytes - min(bytes, live)
    let now = time.monotonicNanoseconds()
    enum Due { case compaction, checkpoint }
    let due = maintenance.progress.withLock { progress -> Due? in
      if progress.isRunning, isAtRest {
        progress.isRestMissed = true
        progress.missed += then
      }
      guard !progress.isRunning, now >= progress.notBefore else { return nil }
      let garbage = superseded - min(superseded, isAtRest ? progress.leftAtRest : progress.leftBytes)
      if garbage > (isAtRest ? live / 4 : live), garbage > options.compactionFloorBytes {
        progress.isRunning = true
        return .compaction
      }
      if bytes > progress.checkpointedBytes + Maintenance.checkpointBytes {
        progress.isRunning = true
        return .checkpoint
      }
      return nil
    }
    guard let due else {
      if isAtRest { wal.releaseSpareSegments() }
      return false
    }
    BackgroundThread.start { [weak self] in
      guard let self else { return }
      let isDone = (try? due == .compaction ? compact(inBurst: !isAtRest) : checkpoint()) != nil
      let (isRestMissed, missed) = maintenance.progress.withLock { progress in
        progress.isRunning = false
        if !isDone { progress.notBefore = now + Maintenance.pauseNanosecondsAfterFailure }
        defer { (progress.isRestMissed, progress.missed) = (false, []) }
        return (progress.isRestMissed, progress.missed)
      }
      if isAtRest || isRestMissed { wal.releaseSpareSegments() }
      for tell in then { tell() }
      if isRestMissed, !maintainIfDue(isAtRest: true, then: missed) { for tell in missed { tell() } }
    }
    return true
  }

  /// Drops superseded records from the log, then writes a checkpoint. Blocks; commits and reads go on meanwhile.
  public func compact() throws(SoftadastraError) { try compact(inBurst: false) }

  func compact(inBurst isBurst: Bool) throws(SoftadastraError) {
    guard let wal else { return }
    try exclusively { () throws(SoftadastraError) in
      try wal.roll()
      // Behind it: what is given out until then may lie in what is compacted, and go.
      try recordCounter()
      let live = state.withLock { $0.liveBytes }
      let superseded = wal.byteCount - min(wal.byteCount, live)
      // In a burst a segment that is mostly live stays as it is. While something superseded is left in it, erasures
      // behind it must stay too: so not at rest, nor where much could not be freed the last time.
      let sparesMostlyLive = isBurst && maintenance.progress.withLock { $0.leftBytes <= live / 2 }
      let freed = try wal.compact(
        keptShare: sparesMostlyLive ? WriteAheadLog.keptShare : 1,
        isLive: { record, isBase in state.withLock { $0.isLive(record, isBase: isBase) } },
        moved: { positions in
          state.withLock { state in
            // The old checkpoint names positions that are gone; it is refused for its segments' incarnations.
            for position in positions { state.move(position) }
          }
        })
      maintenance.progress.withLock { progress in
        progress.leftBytes = superseded - min(superseded, freed)
        progress.leftAtRest = isBurst ? min(progress.leftAtRest, progress.leftBytes) : progress.leftBytes
      }
      try writeCheckpoint()
    }
  }

  /// Writes the index to a file, so that opening need not replay what lies before. Blocks; commits go on meanwhile.
  public func checkpoint() throws(SoftadastraError) {
    guard wal != nil else { return }
    try exclusively { () throws(SoftadastraError) in try writeCheckpoint() }
  }

  private func exclusively(_ body: () throws(SoftadastraError) -> Void) throws(SoftadastraError) {
    let result = maintenance.gate.withLock { isClosed -> Result<Void, SoftadastraError> in
      if isClosed { return .failure(SoftadastraError(.closed, "maintain store", at: location, why: "it is closed")) }
      do throws(SoftadastraError) { return .success(try body()) } catch { return .failure(error) }
    }
    try result.get()
  }

  private func writeCheckpoint() throws(SoftadastraError) {
    guard let wal, let disk, !maintenance.progress.withLock({ $0.isSuspended }) else { return }
    do throws(SoftadastraError) { try writeCheckpoint(wal, disk) } catch {
      // A full disk has better use for what there is of it.
      try? disk.remove(CheckpointHead.temporaryName)
      throw error
    }
  }

  private func writeCheckpoint(_ wal: WriteAheadLog, _ disk: any Disk) throws(SoftadastraError) {
    // The tail under the lock: whatever is not applied yet lies behind it.
    let (replay, segments, bytes) = state.withLock { _ in (wal.tail, wal.segments, wal.byteCount) }
    let name = CheckpointHead.temporaryName
    let file = try disk.open(name, create: true)
    try file.truncate(to: 0)
    var offset: UInt64 = 0
    func write(_ block: [UInt8]) throws(SoftadastraError) {
      let result = block.withUnsafeBytes { bytes -> Result<Void, SoftadastraError> in
        do throws(SoftadastraError) { return .success(try file.write(at: offset, bytes)) } catch {
          return .failure(error)
        }
      }
      try result.get()
      offset += UInt64(block.count)
    }

    let known = state.withLock { state in
      CheckpointHead(
        replay: replay, replica: state.replica, replicaSequence: state.replicaSequence, counter: state.counter,
        counterSequence: state.counterSequence, stamp: state.clock.last, sumRule: options.sums?.number ?? 0,
        segments: segments)
    }
    try write(CheckpointBlock.frame(CheckpointBlock.head, known.encoded()))
    var last: [UInt8]?
    var count: UInt64 = 0
    while let page = state.withLock({ $0.encodeEntries(after: last, limit: Self.entriesPerBlock) }) {
      try write(CheckpointBlock.frame(CheckpointBlock.entries, page.payload))
      count += UInt64(page.count)
      last = page.last
    }
    var end = ByteWriter()
    end.uint64(count)
    // Last: entries that came meanwhile may be the first of their replica.
    let replicas = state.withLock { $0.replicas }
    end.varint(replicas.count)
    for replica in replicas { end.uint64(replica.rawValue) }
    try write(CheckpointBlock.frame(CheckpointBlock.end, end.bytes))
    try file.sync()
    // Everything it speaks of must be in the log for good before it counts.
    try wal.sync()
    try disk.rename(name, to: CheckpointHead.fileName)
    try disk.syncDirectory()
    maintenance.progress.withLock { $0.checkpointedBytes = bytes }
  }

  /// Lets go of what only spares reads of the disk, and of room for more entries.
  public func giveBackMemory() {
    state.withLock { state in
      state.cache.removeAll()
      state.index.giveBackMemory()
    }
  }

  /// Makes the index anew where a burst of entries that came and went left many gaps; false if it is dense enough. Cost: for
  /// that moment the memory of both.
  public func closeGaps() -> Bool {
    state.withLock { state in
      // A store in memory has its values by the slots' numbers.
      guard !state.cache.isEverything, let smaller = state.index.withoutGaps() else { return false }
      // It goes by the slots' numbers, too.
      state.cache.removeAll()
      state.index = smaller
      return true
    }
  }

  /// Makes a log that was found damaged at opening sound again, with what can be read of it; returns the names of the
  /// copies of the damaged segments. Blocks.
  public func mendLog() throws(SoftadastraError) -> [String] {
    guard let wal else { return [] }
    var copies: [String] = []
    try exclusively { () throws(SoftadastraError) in
      copies = try wal.mend { positions in
        state.withLock { state in for position in positions { state.move(position) } }
      }
      maintenance.progress.withLock { ($0.leftBytes, $0.leftAtRest) = (0, 0) }
    }
    return copies
  }

  /// Reads the part of the log that a checkpoint stood for at opening. If that is damaged, the checkpoint goes: the next
  /// opening reads the whole log, and finds what is missing. Blocks; lines for people.
  public func verifyUnread() throws(SoftadastraError) -> [String] {
    guard let wal, let disk else { return [] }
    let damage = try wal.verifyUnread()
    if !damage.isEmpty {
      try exclusively { () throws(SoftadastraError) in
        try? disk.remove(CheckpointHead.fileName)
        // None may take its place in this life: what it stands for cannot be read.
        maintenance.progress.withLock { $0.isSuspended = true }
      }
    }
    return damage.map(\.description)
  }

  /// Reads the whole log and checks every record. Blocks.
  public func verify() throws(SoftadastraError) -> StoreVerification {
    guard let wal else { return StoreVerification() }
    let report = try wal.verify()
    return StoreVerification(
      segments: report.segments, records: report.records, bytes: report.bytes, lastSequence: report.lastSequence,
      damage: report.damage.map(\.description))
  }

  /// Writes what is queued and gives the directory free. Blocks.
  public func closeBlocking() {
    guard let wal else { return }
    maintenance.gate.withLock { isClosed in
      guard !isClosed else { return }
      isClosed = true
      let new = wal.byteCount - min(wal.byteCount, maintenance.progress.withLock { $0.checkpointedBytes })
      if new > Maintenance.closingCheckpointBytes, options.isMaintainedAutomatically { try? writeCheckpoint() }
      wal.closeBlocking()
    }
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

/// What a look through the whole log found.
public struct StoreVerification: Sendable, Hashable {
  public var segments = 0
  public var records: UInt64 = 0
  public var bytes: UInt64 = 0
  public var lastSequence: UInt64 = 0
  /// Empty when every record is what was written.
  public var damage: [String] = []
}
