public import SoftadastraCore
internal import Synchronization

/// A segmented, append-only log whose records are acknowledged once they are as durable as was promised.
///
/// A batch is all or nothing: after a crash either every record of it is replayed, or none. One writer thread
/// gathers what is queued, writes it at once and syncs once. Calls may come from any thread.
public final class WriteAheadLog: Sendable {
  public static let maxPayloadBytes = 16 << 20
  public static let maxBatchBytes = 1 << 30
  /// Records accepted but not on the disk yet; above it, `enqueue` refuses.
  public static let maxQueuedBytes = 1 << 30
  /// In `fast` logs, at most this long and this much lies between a write and its sync.
  static let fastSyncNanoseconds: UInt64 = 500_000_000
  static let fastSyncBytes = 8 << 20
  /// Between attempts while there is no space.
  static let retryNanoseconds: UInt64 = 200_000_000

  enum Status {
    case open
    /// No room; queued records are kept and written when there is some.
    case full(SoftadastraError)
    case failed(SoftadastraError)
    /// Somebody wants it closed. After a failure nothing is written any more, else what is queued is.
    case closing(after: SoftadastraError?)
    /// The writer has ended, and touches nothing any more.
    case closed
  }

  struct Waiter {
    var sequence: UInt64
    var continuation: CheckedContinuation<Result<Void, SoftadastraError>, Never>
  }

  struct State {
    var status = Status.open
    var nextSequence: UInt64
    /// Where the next record will lie.
    var tailSegment: UInt64
    var tailOffset: Int
    var queue: [Chunk] = []
    /// With the writer, or written and not yet synced.
    var held: [Chunk] = []
    var queuedBytes = 0
    /// As durable as promised.
    var completed: UInt64
    /// On the disk, whatever was promised.
    var synced: UInt64
    var syncWanted: UInt64 = 0
    /// Ascending by first sequence.
    var segments: [Segment]
    var usedBytes: UInt64
    /// The writer's thread, or one that waits for its own records, is at the file.
    var isWriting = false
    var waiters: [Waiter] = []
    var callbacks: [@Sendable (UInt64) -> Void] = []
    var free: [String]
  }

  let disk: any Disk
  let options: WALOptions
  let random: any RandomSource
  let monitor: Monitor<State>
  let lock: Mutex<(any DiskLock)?>
  /// Held while a compaction puts another file in a segment's place and tells of the moves.
  let swapLock = Mutex<Void>(())
  let compactionLock = Mutex<Void>(())
  private let completedSequence: Atomic<UInt64>
  /// Set once, by `open`; the writer in turn lives as long as its thread and this.
  let writer = Mutex<LogWriter?>(nil)

  /// What was found damaged at opening. Never empty without a reason to tell somebody.
  public let damage: [WALDamage]
  /// What was cut at opening: no acknowledged record.
  public let tornTail: WALTornTail?
  let unread: [UnreadPart]
  public var location: String { disk.location }

  init(
    disk: any Disk, options: WALOptions, random: any RandomSource, lock: any DiskLock, state: State,
    damage: [WALDamage], tornTail: WALTornTail?, unread: [UnreadPart]
  ) {
    self.disk = disk
    self.options = options
    self.random = random
    self.lock = Mutex(lock)
    monitor = Monitor(state)
    completedSequence = Atomic(state.completed)
    self.damage = damage
    self.tornTail = tornTail
    self.unread = unread
  }

  /// Gives the records consecutive sequences and hands them to the writer.
  ///
  /// Returns at once; cost: one copy of the payloads. Refuses an empty batch, a payload above `maxPayloadBytes`, a
  /// batch above `maxBatchBytes` (`.invalid`), a full queue (`.limit`), and everything while the log has no space or
  /// has failed.
  ///
  /// - Parameter wakesWriter: false for a caller that goes on to `waitBlocking` at once and there writes for itself.
  public func enqueue(_ payloads: [(kind: UInt8, bytes: [UInt8])], wakesWriter: Bool = true) throws(SoftadastraError)
    -> WALTicket
  {
    guard !payloads.isEmpty else { throw refuse("an empty batch") }
    var total = 0
    for payload in payloads {
      guard payload.bytes.count <= Self.maxPayloadBytes else {
        throw refuse("a record of \(payload.bytes.count) bytes; the limit is \(Self.maxPayloadBytes)")
      }
      guard payload.kind != RecordHeader.endMarkKind else { throw refuse("kind \(payload.kind) is the log's own") }
      total += RecordHeader.byteCount + payload.bytes.count
    }
    guard total <= Self.maxBatchBytes else {
      throw refuse("a batch of \(total) bytes; the limit is \(Self.maxBatchBytes)")
    }
    let (ticket, wake) = try monitor.withLock { state throws(SoftadastraError) -> (WALTicket, Bool) in
      try checkAccepting(state)
      guard state.queuedBytes + total <= Self.maxQueuedBytes || state.queuedBytes == 0 else {
        throw SoftadastraError(.limit, "append to log", at: location, why: "the disk does not keep up")
      }
      let first = state.nextSequence
      if state.tailOffset > SegmentHeader.byteCount, state.tailOffset + total > options.segmentBytes {
        state.tailSegment = first
        state.tailOffset = SegmentHeader.byteCount
      }
      let wake = state.queue.isEmpty
      let chunk = openChunk(&state, total)
      var positions: [WALPosition] = []
      positions.reserveCapacity(payloads.count)
      for (index, payload) in payloads.enumerated() {
        positions.append(
          WALPosition(
            sequence: state.nextSequence, offset: UInt32(chunk.end), length: UInt32(payload.bytes.count)))
        chunk.append(
          payload.bytes, kind: payload.kind, sequence: state.nextSequence, continues: index + 1 < payloads.count)
        state.nextSequence += 1
      }
      state.tailOffset = chunk.end
      state.queuedBytes += total
      return (WALTicket(sequences: first...state.nextSequence - 1, positions: positions), wake)
    }
    if wake, wakesWriter || monitor.step != nil { monitor.notify() }
    return ticket
  }

  private func openChunk(_ state: inout State, _ total: Int) -> Chunk {
    if let last = state.queue.last, last.segment == state.tailSegment, last.count > 0,
      last.count + total <= Chunk.targetBytes
    {
      return last
    }
    let chunk = Chunk(
      segment: state.tailSegment, offset: state.tailOffset, first: state.nextSequence, capacity: total)
    state.queue.append(chunk)
    return chunk
  }

  /// Why nothing is written any more, until the log is opened again; nil while it is, or while it only has no room.
  public var permanentFailure: SoftadastraError? {
    monitor.withLock { if case .failed(let error) = $0.status { error } else { nil } }
  }

  func failure(_ state: State) -> SoftadastraError? {
    switch state.status {
    case .open, .closing(after: nil): nil
    case .full(var error):
      {
        // What is queued stays accepted: it is written as soon as there is room.
        error.wasAccepted = true
        return error
      }()
    case .failed(let error), .closing(after: let error?): error
    case .closed: closedError
    }
  }

  private func checkAccepting(_ state: State) throws(SoftadastraError) {
    switch state.status {
    case .open: return
    case .full(let error), .failed(let error): throw error
    case .closing, .closed: throw closedError
    }
  }

  var closedError: SoftadastraError { SoftadastraError(.closed, "use log", at: location, why: "it is closed") }

  func refuse(_ why: String) -> SoftadastraError {
    SoftadastraError(.invalid, "append to log", at: location, why: why)
  }

  /// Everything at or below is as durable as promised.
  public var durableSequence: UInt64 { completedSequence.load(ordering: .acquiring) }

  func use(_ writer: LogWriter) { self.writer.withLock { $0 = writer } }

  func publish(_ sequence: UInt64) { completedSequence.store(sequence, ordering: .releasing) }

  /// Calls back from the writer thread after each group. The callback must be short.
  public func onDurable(_ callback: @escaping @Sendable (UInt64) -> Void) {
    monitor.withLock { $0.callbacks.append(callback) }
  }

  public var lastSequence: UInt64 { monitor.withLock { $0.nextSequence - 1 } }
  public var segmentCount: Int { monitor.withLock { $0.segments.count } }
  /// Of records, without what is filled ahead.
  public var byteCount: UInt64 { monitor.withLock { $0.usedBytes } }
  /// In order, the one that is written to last.
  public var segments: [WALSegmentInfo] {
    monitor.withLock { $0.segments.map { WALSegmentInfo(first: $0.first, incarnation: $0.header.incarnation) } }
  }

  /// Where the record after the last one assigned will lie.
  public var tail: WALPosition {
    monitor.withLock { WALPosition(sequence: $0.nextSequence, offset: UInt32($0.tailOffset), length: 0) }
  }
}
