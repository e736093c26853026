internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import Synchronization

/// One authenticated connection: its incoming frames in order, and what is to be sent in order.
///
/// Incoming frames wait in two bounded lanes, so that bytes of large files do not wait behind changes that are being
/// made durable; above the bound the connection is not read from until the lanes are shorter.
final class PeerLink: Sendable {
  static let maxQueuedBytes = 24 << 20
  /// Of one that has not shown yet that it may say anything.
  static let maxStrangerQueuedBytes = 256 << 10

  let connection: ConnectionID
  let identity: PeerIdentity
  let address: PeerAddress
  let isInbound: Bool
  private let transport: Transport

  let control: AsyncStream<Frame>
  let data: AsyncStream<Frame>
  let outgoing: AsyncStream<Replicator.Outgoing>
  let fetches: AsyncStream<SyncMessage.Fetch>
  private let controlSink: AsyncStream<Frame>.Continuation
  private let dataSink: AsyncStream<Frame>.Continuation
  private let outgoingSink: AsyncStream<Replicator.Outgoing>.Continuation
  private let fetchSink: AsyncStream<SyncMessage.Fetch>.Continuation
  private let state = Mutex((isClosing: false, earlyHello: SyncMessage.Hello?.none))
  private let queued = Mutex((bytes: 0, limit: maxStrangerQueuedBytes, isPaused: false))

  init(
    _ connection: ConnectionID, _ identity: PeerIdentity, _ address: PeerAddress, isInbound: Bool, transport: Transport
  ) {
    self.connection = connection
    self.identity = identity
    self.address = address
    self.isInbound = isInbound
    self.transport = transport
    (control, controlSink) = AsyncStream.makeStream()
    (data, dataSink) = AsyncStream.makeStream()
    (outgoing, outgoingSink) = AsyncStream.makeStream()
    (fetches, fetchSink) = AsyncStream.makeStream()
  }

  /// It is a member's, or leads to the inviter.
  func admit() {
    queued.withLock { $0.limit = Self.maxQueuedBytes }
    transport.admit(connection)
  }

  func deliver(_ frames: [Frame]) {
    var bytes = 0
    for frame in frames {
      bytes += frame.payload.readableBytes
      if frame.kind == SyncMessage.dataKind { dataSink.yield(frame) } else { controlSink.yield(frame) }
    }
    let mustPause = queued.withLock { queued in
      queued.bytes += bytes
      guard queued.bytes > queued.limit, !queued.isPaused else { return false }
      queued.isPaused = true
      return true
    }
    if mustPause { transport.pauseReading(connection) }
  }

  /// A frame was worked off.
  func consumed(_ frame: Frame) {
    let mayResume = queued.withLock { queued in
      queued.bytes -= frame.payload.readableBytes
      guard queued.isPaused, queued.bytes < queued.limit / 3 else { return false }
      queued.isPaused = false
      return true
    }
    if mayResume { transport.resumeReading(connection) }
  }

  /// Said before this node knew of the peer as a member.
  func keepEarly(_ hello: SyncMessage.Hello) { state.withLock { $0.earlyHello = hello } }
  func takeEarlyHello() -> SyncMessage.Hello? { state.withLock { $0.earlyHello.take() } }

  func enqueue(_ item: Replicator.Outgoing) { outgoingSink.yield(item) }
  func enqueue(_ fetch: SyncMessage.Fetch) { fetchSink.yield(fetch) }

  func send(_ message: SyncMessage) async {
    let payload: ByteBuffer
    if case .data(let data) = message, let owner = data.encoded.owner as? PayloadBytes,
      owner.payload.readableBytes == data.encoded.count
    {
      payload = owner.payload
    } else {
      payload = ByteBuffer(bytes: message.encoded())
    }
    await send(Frame(kind: message.kind, payload: payload, isCompressible: message.isCompressible))
  }

  func send(_ message: JoinMessage) async {
    await send(Frame(kind: message.kind, payload: ByteBuffer(bytes: message.encoded())))
  }

  private func send(_ frame: Frame) async {
    do throws(SoftadastraError) { try await transport.send([frame], to: connection) } catch {
      // That it is gone is told by the connection. What cannot be sent at all must not vanish.
      if error.code == .invalid { close("\(error)") }
    }
  }

  func close(_ reason: String) {
    state.withLock { $0.isClosing = true }
    transport.close(connection, reason: reason)
  }

  /// Closed by this side; the end of the connection is still to be told.
  var isClosing: Bool { state.withLock { $0.isClosing } }

  /// The connection is gone: the tasks that read the streams end.
  func finish() {
    controlSink.finish()
    dataSink.finish()
    outgoingSink.finish()
    fetchSink.finish()
  }
}

extension SyncMessage {
  var isCompressible: Bool {
    switch self {
    case .changes, .supplement, .data: true
    default: false
    }
  }
}
