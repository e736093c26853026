internal import NIOCore
internal import NIOPosix
internal import SoftadastraCore
internal import Synchronization

/// One connection as every thread sees it. Its protocol runs in `ConnectionHandler`, on the connection's event loop.
final class Connection: Sendable {
  /// Payloads that together are larger than this are compressed on the pool, smaller ones by the caller.
  static let maxInlineCompressionBytes = 64 << 10

  let id: ConnectionID
  let isInbound: Bool
  /// For a dialled connection the address as it was given.
  let address: PeerAddress
  /// The node that was dialled.
  let expected: NodeID?
  let channel: any Channel
  private let queue: Mutex<OutboundQueue>
  private let policy: Mutex<CompressionPolicy>
  private let counters = Mutex(ConnectionStatistics())
  private let pool: NIOThreadPool
  private let start = ContinuousClock().now
  private let handler: Mutex<NIOLoopBound<ConnectionHandler>?> = Mutex(nil)

  init(
    id: ConnectionID, isInbound: Bool, address: PeerAddress, expected: NodeID?, channel: any Channel,
    options: TransportOptions, pool: NIOThreadPool
  ) {
    self.id = id
    self.isInbound = isInbound
    self.address = address
    self.expected = expected
    self.channel = channel
    self.pool = pool
    queue = Mutex(OutboundQueue(high: options.highWaterBytes, low: options.lowWaterBytes))
    policy = Mutex(CompressionPolicy(mode: options.compression))
  }

  func attach(_ handler: ConnectionHandler) {
    self.handler.withLock { $0 = NIOLoopBound(handler, eventLoop: channel.eventLoop) }
  }

  /// Runs on the event loop, later; nothing happens once the connection has gone.
  func onLoop(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
    guard let bound = handler.withLock({ $0 }) else { return }
    channel.eventLoop.execute { body(bound.value) }
  }

  // MARK: Sending

  nonisolated(nonsending) func send(_ frames: [Frame]) async throws(SoftadastraError) {
    // Drawn before the first suspension: callers are served in the order in which they called.
    let ticket = queue.withLock { $0.draw() }
    let chosen = choose(frames)
    let bytes = bytesToCompress(frames, chosen)
    let outbound: [OutboundFrame]
    if bytes > Self.maxInlineCompressionBytes {
      outbound = await withCheckedContinuation { continuation in
        pool.submit { state in
          // A pool that was shut down answers with `.cancelled`: then the frames go, or fail, as they are.
          let picks = if case .active = state { chosen } else { chosen.map { _ in CompressionPolicy.Effort.none } }
          continuation.resume(returning: self.pack(frames, picks))
        }
      }
    } else {
      outbound = pack(frames, chosen)
    }
    try await withCheckedContinuation { (waiter: OutboundQueue.Waiter) in
      let (refused, waiters, schedule) = queue.withLock {
        queue -> (SoftadastraError?, [OutboundQueue.Waiter], Bool) in
        if let error = queue.closedError { return (error, [], false) }
        let (waiters, schedule) = queue.submit(OutboundQueue.Batch(outbound, waiter: waiter), ticket: ticket)
        return (nil, waiters, schedule)
      }
      if let refused { waiter.resume(returning: .failure(refused)) }
      proceed(waiters, schedule)
    }.get()
  }

  /// False, with nothing sent, when the queue is full or the connection closed.
  func trySend(_ frames: [Frame]) -> Bool {
    let ticket = queue.withLock { queue -> UInt64? in
      queue.closedError == nil && queue.hasRoom ? queue.draw() : nil
    }
    guard let ticket else { return false }
    var chosen = choose(frames)
    if bytesToCompress(frames, chosen) > Self.maxInlineCompressionBytes { chosen = chosen.map { _ in .none } }
    let outbound = pack(frames, chosen)
    let (accepted, waiters, schedule) = queue.withLock { queue -> (Bool, [OutboundQueue.Waiter], Bool) in
      if queue.closedError != nil { return (false, [], false) }
      let (waiters, schedule) = queue.submit(OutboundQueue.Batch(outbound), ticket: ticket)
      return (true, waiters, schedule)
    }
    proceed(waiters, schedule)
    return accepted
  }

  var pendingBytes: Int { queue.withLock { $0.pendingBytes } }

  func takeQueued() -> [OutboundFrame] { queue.withLock { $0.take() } }

  func didWrite(_ bytes: Int) {
    let (waiters, schedule) = queue.withLock { $0.didWrite(bytes) }
    proceed(waiters, schedule)
  }

  func closeQueue(_ error: SoftadastraError) {
    for waiter in queue.withLock({ $0.close(error) }) { waiter.resume(returning: .failure(error)) }
    handler.withLock { $0 = nil }
  }

  private func proceed(_ waiters: [OutboundQueue.Waiter], _ schedule: Bool) {
    for waiter in waiters { waiter.resume(returning: .success(())) }
    if schedule { onLoop { $0.drain() } }
  }

  // MARK: Compression

  private func choose(_ frames: [Frame]) -> [CompressionPolicy.Effort] {
    let isIdle = pendingBytes == 0
    let now = (ContinuousClock().now - start) / Duration.seconds(1)
    return policy.withLock { policy in
      frames.map {
        $0.isCompressible ? policy.effort(bytes: $0.payload.readableBytes, at: now, isIdle: isIdle) : .none
      }
    }
  }

  private func bytesToCompress(_ frames: [Frame], _ chosen: [CompressionPolicy.Effort]) -> Int {
    zip(frames, chosen).reduce(0) { $0 + ($1.1 == .none ? 0 : $1.0.payload.readableBytes) }
  }

  private func pack(_ frames: [Frame], _ chosen: [CompressionPolicy.Effort]) -> [OutboundFrame] {
    zip(frames, chosen).map { frame, effort in
      guard effort != .none else { return OutboundFrame(frame) }
      let plain = frame.payload.readableBytes
      let clock = ContinuousClock()
      let start = clock.now
      let block = LZ4.compress(frame.payload, below: plain - plain / 16, isStrong: effort == .strong)
      let seconds = (clock.now - start) / Duration.seconds(1)
      policy.withLock { $0.didCompress(plain: plain, packed: block?.readableBytes ?? plain, seconds: seconds) }
      guard let block else { return OutboundFrame(frame) }
      return OutboundFrame(kind: frame.kind, payload: block, uncompressedBytes: plain)
    }
  }

  func didDrain(bytes: Int, seconds: Double) { policy.withLock { $0.didDrain(bytes: bytes, seconds: seconds) } }

  // MARK: Statistics

  func count(_ body: (inout ConnectionStatistics) -> Void) { counters.withLock { body(&$0) } }

  var statistics: ConnectionStatistics {
    var copy = counters.withLock { $0 }
    policy.withLock { policy in
      copy.compression = policy.state
      copy.linkBytesPerSecond = policy.linkBytesPerSecond
      copy.compressorBytesPerSecond = policy.compressorBytesPerSecond
    }
    return copy
  }
}
