internal import NIOCore
internal import SoftadastraCore

/// What one connection has to send: tickets keep the order of the callers while their payloads are compressed, and the
/// water marks decide who waits.
///
/// A batch passes three places: *reserved* (its ticket is drawn, it may still be compressing), *ready* (it waits for
/// its turn or for room), *queued* (counted in `pendingBytes` until the socket took it).
struct OutboundQueue {
  typealias Waiter = CheckedContinuation<Result<Void, SoftadastraError>, Never>

  struct Batch {
    var frames: [OutboundFrame]
    var bytes: Int
    var waiter: Waiter?

    init(_ frames: [OutboundFrame], waiter: Waiter? = nil) {
      self.frames = frames
      bytes = frames.reduce(0) { $0 + $1.wireBytes }
      self.waiter = waiter
    }
  }

  private enum State {
    case open
    case closed(SoftadastraError)
  }

  private var state = State.open
  private var nextTicket: UInt64 = 0
  private var turn: UInt64 = 0
  private var ready: [UInt64: Batch] = [:]
  private var readyBytes = 0
  private var queued: [OutboundFrame] = []
  private(set) var pendingBytes = 0
  /// A drain is on its way to the event loop.
  private var isDraining = false
  /// Above the high mark until the low mark is reached.
  private var isFull = false
  let high: Int
  let low: Int

  init(high: Int, low: Int) {
    self.high = high
    self.low = min(low, high)
  }

  var closedError: SoftadastraError? {
    if case .closed(let error) = state { return error }
    return nil
  }

  /// True when a batch sent now would not wait for room. It may wait for one before it that is still compressing.
  var hasRoom: Bool { !isFull && pendingBytes + readyBytes <= high }

  mutating func draw() -> UInt64 {
    defer { nextTicket += 1 }
    return nextTicket
  }

  /// Returns the waiters to resume, and whether a drain must be scheduled.
  mutating func submit(_ batch: Batch, ticket: UInt64) -> ([Waiter], schedule: Bool) {
    ready[ticket] = batch
    readyBytes += batch.bytes
    return admit()
  }

  /// Called on the event loop: everything queued, to be written now.
  mutating func take() -> [OutboundFrame] {
    isDraining = false
    defer { queued.removeAll(keepingCapacity: true) }
    return queued
  }

  /// The socket took these bytes.
  mutating func didWrite(_ bytes: Int) -> ([Waiter], schedule: Bool) {
    pendingBytes -= bytes
    if pendingBytes <= low { isFull = false }
    return admit()
  }

  mutating func close(_ error: SoftadastraError) -> [Waiter] {
    guard case .open = state else { return [] }
    state = .closed(error)
    let waiters = ready.values.compactMap(\.waiter)
    ready.removeAll()
    readyBytes = 0
    queued.removeAll()
    return waiters
  }

  private mutating func admit() -> ([Waiter], schedule: Bool) {
    var waiters: [Waiter] = []
    while !isFull, let batch = ready.removeValue(forKey: turn) {
      turn += 1
      readyBytes -= batch.bytes
      queued.append(contentsOf: batch.frames)
      pendingBytes += batch.bytes
      if pendingBytes > high { isFull = true }
      if let waiter = batch.waiter { waiters.append(waiter) }
    }
    guard !queued.isEmpty, !isDraining else { return (waiters, false) }
    isDraining = true
    return (waiters, true)
  }
}
