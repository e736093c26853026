internal import NIOCore
internal import NIOTLS
internal import SoftadastraCore

/// The protocol of one connection: TLS handshake, preambles, frames, keepalive, goodbye.
///
/// Everything here runs on the connection's event loop. Nothing of the peer is parsed before its key is proven, and
/// nothing but a preamble or a goodbye before the versions agree.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Phase {
    case handshaking
    case greeting(PeerIdentity)
    case open
    /// Nothing is read any more; the socket closes when the goodbye is out.
    case closing
    case ended
  }

  /// Payloads up to this are packed together into one buffer; larger ones are written as they are, uncopied.
  static let maxPackedPayloadBytes = 8 << 10
  static let packedBufferBytes = 128 << 10
  /// A filled queue reports its drain rate this often.
  static let drainWindowBytes = 8 << 20

  let transport: Transport
  let connection: Connection
  let proof: PeerProof
  var phase = Phase.handshaking
  var context: ChannelHandlerContext?
  var decoder = FrameDecoder(maxPayloadBytes: ControlKind.maxPayloadBytes)
  var batch: [Frame] = []
  /// Why it ended; set once, by the first cause.
  var reason: SoftadastraError?
  var isLocalClose = false
  var wasConnected = false
  var isAdmitted = false
  /// A pong is on its way to the socket: what is pinged meanwhile is answered once, with the last of it.
  var isPongUnderWay = false
  var owedPong: ByteBuffer?
  var isPaused = false
  var wantsRead = false
  var lastReceived = NIODeadline.now()
  var lastSent = NIODeadline.now()
  /// Since when an answer is due that shows whether the connection lives.
  var doubtedAt: NIODeadline?
  var timer: Scheduled<Void>?
  var inFlightBytes = 0
  var drainedBytes = 0
  var drainStart = NIODeadline.now()

  init(transport: Transport, connection: Connection, proof: PeerProof) {
    self.transport = transport
    self.connection = connection
    self.proof = proof
  }

  var options: TransportOptions { transport.options }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    connection.attach(self)
    transport.opened(connection)
    schedule(in: options.handshakeDeadline) { $0.handshakeExpired() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    deliver()
    end()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .ended = phase { return }
    if reason == nil {
      reason = proof.refusal ?? .network(error, "connection to", at: "\(connection.address)")
    }
    phase = .closing
    context.close(promise: nil)
  }

  private func end() {
    if case .ended = phase { return }
    phase = .ended
    timer?.cancel()
    let cut = SoftadastraError(
      .network, "connection to", at: "\(connection.address)",
      why: wasConnected ? "the peer or the network cut it" : "it was cut during the handshake")
    let error = isLocalClose ? nil : reason ?? proof.refusal ?? cut
    connection.closeQueue(
      error ?? SoftadastraError(.closed, "connection to", at: "\(connection.address)", why: "it was closed here"))
    transport.ended(connection, wasConnected: wasConnected, wasAdmitted: isAdmitted, error)
  }

  /// Closes with a reason. With `tell`, the peer gets it too.
  func fail(_ error: SoftadastraError, tell: Bool) {
    switch phase {
    case .closing, .ended: return
    case .handshaking, .greeting, .open: break
    }
    if reason == nil { reason = error }
    goodbye(tell ? error.description : nil)
  }

  func closeLocally(_ text: String) {
    switch phase {
    case .closing, .ended: return
    case .handshaking, .greeting, .open: break
    }
    drain()
    isLocalClose = true
    goodbye(text)
  }

  private func goodbye(_ text: String?) {
    guard let context else { return }
    if case .handshaking = phase {
      phase = .closing
      context.close(promise: nil)
      return
    }
    phase = .closing
    if let text {
      var payload = ByteBuffer()
      payload.writeString(Self.clipped(text, to: ControlKind.maxPayloadBytes))
      writeControl(ControlKind.goodbye, payload)
    }
    // Behind all that was written before; a peer that does not read gets only the deadline's patience.
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
    schedule(in: options.closeDeadline) { $0.context?.close(promise: nil) }
  }

  private static func clipped(_ text: String, to limit: Int) -> String {
    var text = Substring(text)
    while text.utf8.count > limit { text = text.dropLast() }
    return String(text)
  }

  // MARK: Receiving

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent { handshakeCompleted(negotiated) }
    context.fireUserInboundEventTriggered(event)
  }

  private func handshakeCompleted(_ negotiated: String?) {
    guard case .handshaking = phase else { return }
    guard let identity = proof.identity else {
      return fail(SoftadastraError(.untrusted, "peer", why: "it proved no key of its own"), tell: false)
    }
    guard negotiated == TLSContexts.alpn else {
      return fail(
        SoftadastraError(
          .unsupported, "peer at", at: "\(connection.address)", why: "it does not speak \(TLSContexts.alpn)"),
        tell: false)
    }
    phase = .greeting(identity)
    writeControl(ControlKind.preamble, Preamble(versions: options.protocolVersions).payload)
    context?.flush()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch phase {
    case .handshaking, .closing, .ended: return
    case .greeting, .open: break
    }
    let bytes = unwrapInboundIn(data)
    lastReceived = .now()
    connection.count { $0.bytesIn += UInt64(bytes.readableBytes) }
    decoder.append(bytes)
    do {
      while let frame = try decoder.next() {
        receive(frame)
        switch phase {
        case .greeting, .open: continue
        case .handshaking, .closing, .ended: return
        }
      }
    } catch {
      fail(error, tell: true)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    deliver()
    context.fireChannelReadComplete()
  }

  private func receive(_ frame: Frame) {
    if frame.kind == ControlKind.goodbye {
      deliver()
      let text = BytePath.escape(Array(frame.payload.readableBytesView))
      return fail(
        SoftadastraError(.closed, "connection to", at: "\(connection.address)", why: "the peer closed it: \(text)"),
        tell: false)
    }
    guard case .greeting(let identity) = phase else { return received(frame) }
    guard frame.kind == ControlKind.preamble, let theirs = Preamble(frame.payload) else {
      return fail(SoftadastraError(.damaged, "first frame from the peer", why: "it is no preamble"), tell: true)
    }
    let ours = Preamble(versions: options.protocolVersions)
    guard ours.common(with: theirs) != nil else {
      let why = "this node speaks protocol \(Preamble.text(ours.versions)), the peer \(Preamble.text(theirs.versions))"
      return fail(
        SoftadastraError(.unsupported, "peer at", at: "\(connection.address)", why: why, hint: "update the older one"),
        tell: true)
    }
    phase = .open
    wasConnected = true
    decoder.maxPayloadBytes = options.maxStrangerPayloadBytes
    if options.admitsEveryone { admit() }
    transport.connected(connection, identity)
    keepAlive()
  }

  /// It is no stranger: it may say more, and leaves room for strangers.
  func admit() {
    guard case .open = phase, !isAdmitted else { return }
    isAdmitted = true
    decoder.maxPayloadBytes = Bounds.maxFrameBytes
    if connection.isInbound { transport.admitted(connection) }
  }

  private func received(_ frame: Frame) {
    connection.count {
      $0.framesIn += 1
      $0.plainBytesIn += UInt64(frame.payload.readableBytes + FrameHeader.bytes)
    }
    switch frame.kind {
    case ..<ControlKind.first: batch.append(frame)
    case ControlKind.ping: pingReceived(frame.payload)
    case ControlKind.pong: pongReceived(frame.payload)
    // A later version may say more; what is not understood is not needed.
    default: break
    }
  }

  private func deliver() {
    guard !batch.isEmpty else { return }
    let frames = batch
    batch = []
    transport.onEvent(.frames(connection.id, frames))
  }
}
