internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
public import SoftadastraCore
internal import Synchronization

/// Authenticated, framed connections to other nodes over TCP and TLS 1.3.
///
/// The handshake accepts any device key and reports it with `connected`: whom to talk to is its user's decision, made
/// before anything else is believed. Events arrive on the connection's event loop, in order for each connection; the
/// handler must not block. Frames of one connection arrive in the order in which they were sent, or not at all.
///
/// A transport that was used ends with `shutdown()`.
public final class Transport: Sendable {
  /// The versions of the protocol inside the frames that this build speaks.
  public static let protocolVersions: ClosedRange<UInt16> = 1...1
  static let receiveBufferBytes = 512 << 10
  /// The TLS library holds for good as much memory as it ever decrypted at once.
  static let readsAtOnce: UInt = 1
  static let backlog: Int32 = 256

  public let identity: DeviceIdentity
  let options: TransportOptions
  let logger: Logger
  let onEvent: @Sendable (TransportEvent) -> Void
  let group: MultiThreadedEventLoopGroup
  private let pool: NIOThreadPool
  private let tls: Result<TLSContexts, SoftadastraError>
  let state: Mutex<State>

  struct State {
    var nextID: UInt64 = 1
    var connections: [ConnectionID: Connection] = [:]
    var admission: AdmissionControl
    var listeners: [any Channel] = []
    var isShutDown = false
  }

  /// Starts the event loops; opens no socket.
  public init(
    identity: DeviceIdentity, options: TransportOptions = TransportOptions(), logger: Logger,
    onEvent: @escaping @Sendable (TransportEvent) -> Void
  ) {
    self.identity = identity
    self.options = options
    self.logger = logger
    self.onEvent = onEvent
    let threads = max(1, options.eventLoops ?? min(2, System.coreCount))
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    pool = NIOThreadPool(numberOfThreads: min(2, System.coreCount))
    pool.start()
    do throws(SoftadastraError) {
      tls = .success(try TLSContexts(identity: identity, options: options))
    } catch {
      tls = .failure(error)
    }
    state = Mutex(State(admission: AdmissionControl(options: options)))
  }

  // MARK: Opening

  /// Accepts connections, and returns the address with the actual port.
  ///
  /// `[::]` serves IPv4 too, and falls back to `0.0.0.0` on a host without IPv6. Fails with `.conflict` when the port is
  /// taken. May be called for several addresses.
  public func listen(on address: PeerAddress) async throws(SoftadastraError) -> PeerAddress {
    let tls = try tls.get()
    let channel: any Channel
    do {
      channel = try await bind(address, tls)
    } catch let error as IOError
      where address.host == "::" && [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT].contains(error.errnoCode)
    {
      return try await listen(on: PeerAddress(host: "0.0.0.0", port: address.port))
    } catch {
      throw Self.listenError(error, address)
    }
    let isShutDown = state.withLock { state in
      state.listeners.append(channel)
      return state.isShutDown
    }
    if isShutDown { channel.close(promise: nil) }
    return PeerAddress(host: address.host, port: channel.localAddress?.port ?? address.port)
  }

  private func bind(_ address: PeerAddress, _ tls: TLSContexts) async throws -> any Channel {
    var bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveBufferBytes)
      )
      .childChannelOption(.maxMessagesPerRead, value: Self.readsAtOnce)
      .childChannelOption(.writeBufferWaterMark, value: waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.accept(channel, tls) }
      }
    if address.host.contains(":") {
      // Only the wildcard serves both families; a definite IPv6 address is what it says.
      let level = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
      bootstrap = bootstrap.serverChannelOption(level, value: address.host == "::" ? 0 : 1)
    }
    // The resolver knows no numeric IPv6 address where no interface has one.
    if let numeric = try? SocketAddress(ipAddress: address.host, port: address.port) {
      return try await bootstrap.bind(to: numeric).get()
    }
    return try await bootstrap.bind(host: address.host, port: address.port).get()
  }

  private static func listenError(_ error: any Error, _ address: PeerAddress) -> SoftadastraError {
    if let error = error as? IOError, error.errnoCode == EADDRINUSE {
      return SoftadastraError(
        .conflict, "listen on", at: "\(address)", why: "the port is in use by another process",
        hint: "choose another with --listen, or port 0 for any")
    }
    if let error = error as? IOError, error.errnoCode == EACCES {
      return SoftadastraError(
        .permission, "listen on", at: "\(address)", why: "this user may not use the port",
        hint: "ports below 1024 need root")
    }
    return .network(error, "listen on", at: "\(address)")
  }

  private func accept(_ channel: any Channel, _ tls: TLSContexts) throws {
    let source = Self.address(of: channel)
    guard state.withLock({ !$0.isShutDown && $0.admission.admit(source.host) }) else {
      logger.debug("too many connections from \(source.host)")
      throw SoftadastraError(.limit, "connection from", at: "\(source)", why: "too many connections")
    }
    let proof = PeerProof(expecting: nil)
    let connection = makeConnection(channel, isInbound: true, source)
    do {
      try channel.pipeline.syncOperations.addHandler(tls.serverHandler(proof))
      try channel.pipeline.syncOperations.addHandler(
        ConnectionHandler(transport: self, connection: connection, proof: proof))
    } catch {
      // The handler, once added, gives the place back itself.
      if state.withLock({ $0.connections[connection.id] == nil }) {
        state.withLock { $0.admission.leave(source.host, wasAuthenticated: false) }
      }
      throw error
    }
  }

  /// One attempt, within the handshake deadline. The result arrives as `connected` or `dialFailed`: `.untrusted`, naming
  /// both, when another node than the expected one answered.
  public func dial(_ address: PeerAddress, expecting: NodeID? = nil) {
    let tls: TLSContexts
    do {
      tls = try self.tls.get()
    } catch {
      return onEvent(.dialFailed(expecting, address, error))
    }
    guard !state.withLock({ $0.isShutDown }) else { return }
    ClientBootstrap(group: group)
      .connectTimeout(TimeAmount(options.handshakeDeadline))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveBufferBytes))
      .channelOption(.maxMessagesPerRead, value: Self.readsAtOnce)
      .channelOption(.writeBufferWaterMark, value: waterMark)
      .connect(host: address.host, port: address.port)
      .flatMap { channel in
        // The client speaks first, so nothing is missed by adding the handlers now; earlier they would see every
        // attempt of a name with several addresses.
        channel.eventLoop.submit {
          try self.install(on: channel, tls, address, expecting)
        }
      }
      .whenFailure { error in
        guard !self.state.withLock({ $0.isShutDown }) else { return }
        self.onEvent(.dialFailed(expecting, address, .network(error, "connection to", at: "\(address)")))
      }
  }

  private func install(
    on channel: any Channel, _ tls: TLSContexts, _ address: PeerAddress, _ expecting: NodeID?
  ) throws {
    let proof = PeerProof(expecting: expecting)
    let connection = makeConnection(channel, isInbound: false, address, expecting: expecting)
    do {
      let tlsHandler = try tls.clientHandler(proof)
      let handler = ConnectionHandler(transport: self, connection: connection, proof: proof)
      try channel.pipeline.syncOperations.addHandler(handler)
      try channel.pipeline.syncOperations.addHandler(tlsHandler, position: .first)
    } catch {
      channel.close(promise: nil)
      // Once the connection's handler is there, it is the one that reports.
      if self.connection(connection.id) == nil { throw error }
    }
  }

  private var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
    .init(low: min(options.lowWaterBytes, options.highWaterBytes), high: options.highWaterBytes)
  }

  private func makeConnection(
    _ channel: any Channel, isInbound: Bool, _ address: PeerAddress, expecting: NodeID? = nil
  ) -> Connection {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      return ConnectionID(rawValue: state.nextID)
    }
    return Connection(
      id: id, isInbound: isInbound, address: address, expected: expecting, channel: channel, options: options,
      pool: pool)
  }

  /// Where a connection comes from; an IPv4 client of a dual-stack socket appears as IPv4.
  private static func address(of channel: any Channel) -> PeerAddress {
    var host = channel.remoteAddress?.ipAddress ?? "unknown"
    if host.hasPrefix("::ffff:"), host.contains(".") { host.removeFirst("::ffff:".count) }
    return PeerAddress(host: host, port: channel.remoteAddress?.port ?? 0)
  }

  // MARK: Using

  /// Queues the frames, in order and together, and returns when the connection has room for more: below the low-water
  /// mark, or never above the high one. Callers are served in the order of their calls.
  ///
  /// Returning does not mean that the peer has them. Fails with `.closed` or the connection's own error when it is gone,
  /// `.invalid` for a frame above `Bounds.maxFrameBytes` or of a reserved kind. Cancelling the task does not end the wait:
  /// closing the connection does.
  public nonisolated(nonsending) func send(
    _ frames: [Frame], to id: ConnectionID
  ) async throws(SoftadastraError) {
    try Self.check(frames)
    guard let connection = connection(id) else { throw Self.gone(id) }
    try await connection.send(frames)
  }

  /// Queues the frames without waiting. False, with nothing queued, when the queue is above its high-water mark or the
  /// connection has gone.
  @discardableResult
  public func trySend(_ frames: [Frame], to id: ConnectionID) throws(SoftadastraError) -> Bool {
    try Self.check(frames)
    return connection(id)?.trySend(frames) ?? false
  }

  /// Bytes queued and not yet taken by the socket; 0 for a connection that has gone.
  public func pendingBytes(of id: ConnectionID) -> Int { connection(id)?.pendingBytes ?? 0 }

  /// The peer is no stranger. Nothing happens where everyone is admitted.
  public func admit(_ id: ConnectionID) { connection(id)?.onLoop { $0.admit() } }

  /// Stops reading from the connection's socket, so that the peer's queue fills. What was read already still arrives.
  public func pauseReading(_ id: ConnectionID) { connection(id)?.onLoop { $0.pauseReading() } }

  public func resumeReading(_ id: ConnectionID) { connection(id)?.onLoop { $0.resumeReading() } }

  /// Nil for a connection that has gone.
  public func statistics(of id: ConnectionID) -> ConnectionStatistics? { connection(id)?.statistics }

  /// Sends what is queued and the reason, then closes; `disconnected` follows.
  public func close(_ id: ConnectionID, reason: String) { connection(id)?.onLoop { $0.closeLocally(reason) } }

  /// Closes everything, telling the peers, and ends the event loops. Takes a few seconds at most. Calling it again is no
  /// error.
  public func shutdown() async {
    let (listeners, connections, wasDone) = state.withLock { state in
      defer { state.isShutDown = true }
      return (state.listeners, Array(state.connections.values), state.isShutDown)
    }
    guard !wasDone else { return }
    for listener in listeners { try? await listener.close() }
    for connection in connections { connection.onLoop { $0.closeLocally("shutting down") } }
    for connection in connections { try? await connection.channel.closeFuture.get() }
    try? await group.shutdownGracefully()
    try? await pool.shutdownGracefully()
  }

  func connection(_ id: ConnectionID) -> Connection? { state.withLock { $0.connections[id] } }

  private static func gone(_ id: ConnectionID) -> SoftadastraError {
    SoftadastraError(.closed, "connection", at: "\(id)", why: "it is closed")
  }

  private static func check(_ frames: [Frame]) throws(SoftadastraError) {
    for frame in frames {
      guard frame.kind < ControlKind.first else {
        throw SoftadastraError(.invalid, "frame", why: "kind \(frame.kind) is reserved")
      }
      guard frame.payload.readableBytes <= Bounds.maxFrameBytes else {
        let why = "its \(frame.payload.readableBytes) bytes are above the limit of \(Bounds.maxFrameBytes)"
        throw SoftadastraError(.invalid, "frame", why: why)
      }
    }
  }
}
