internal import NIOCore
internal import SoftadastraCore

// Each side pings when it has sent nothing for a while, whatever it receives: so a side that reads nothing, because its
// user asked for a pause, is still heard. Each side counts as dead what it has not heard for the idle deadline, unless
// it is not listening itself.
extension ConnectionHandler {
  func schedule(in delay: Duration, _ body: @escaping (ConnectionHandler) -> Void) {
    timer?.cancel()
    guard let context else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [self] in body(self) }
  }

  func handshakeExpired() {
    switch phase {
    case .handshaking, .greeting:
      let why = "no handshake within \(options.handshakeDeadline)"
      fail(SoftadastraError(.timeout, "connection to", at: "\(connection.address)", why: why), tell: false)
    case .open, .closing, .ended: break
    }
  }

  /// Looks after the connection and sets the timer for the next look.
  func keepAlive() {
    guard case .open = phase else { return }
    let now = NIODeadline.now()
    let idle = TimeAmount(options.idleDeadline)
    if let doubted = doubtedAt, lastReceived > doubted || isPaused { doubtedAt = nil }
    let untilAnswer = doubtedAt.map { TimeAmount(options.answerDeadline) - (now - $0) }
    if !isPaused, now - lastReceived >= idle || untilAnswer.map({ $0 <= .zero }) == true {
      let silence = doubtedAt == nil ? options.idleDeadline : options.answerDeadline
      let why = "nothing was heard from it for \(silence)"
      return fail(SoftadastraError(.timeout, "connection to", at: "\(connection.address)", why: why), tell: true)
    }
    let ping = TimeAmount(options.pingInterval)
    if now - lastSent >= ping {
      writePing()
    }
    let untilPing = ping - (now - lastSent)
    let untilDead = isPaused ? idle : min(idle - (now - lastReceived), untilAnswer ?? idle)
    schedule(in: .nanoseconds(max(1_000_000, min(untilPing, untilDead).nanoseconds))) { $0.keepAlive() }
  }

  /// Something suggests that the connection is dead: it is asked for an answer.
  func verify() {
    guard case .open = phase, doubtedAt == nil, !isPaused else { return }
    doubtedAt = .now()
    writePing()
    keepAlive()
  }

  func endStranded() {
    let why = "this machine does not have the address any more that it was made from"
    fail(SoftadastraError(.network, "connection to", at: "\(connection.address)", why: why), tell: false)
  }

  private func writePing() {
    writeControl(ControlKind.ping, ByteBuffer(integer: NIODeadline.now().uptimeNanoseconds, endianness: .little))
    context?.flush()
  }

  /// A peer that pings without reading the answers fills nothing here.
  func pingReceived(_ payload: ByteBuffer) {
    guard let context, !isPongUnderWay else {
      owedPong = payload
      return
    }
    isPongUnderWay = true
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { [self] result in
      isPongUnderWay = false
      if case .success = result, let owed = owedPong.take() { pingReceived(owed) }
    }
    writeControl(ControlKind.pong, payload, promise: written)
    context.flush()
  }

  func pongReceived(_ payload: ByteBuffer) {
    guard let sent = payload.getInteger(at: payload.readerIndex, endianness: .little, as: UInt64.self) else { return }
    let now = NIODeadline.now().uptimeNanoseconds
    // The peer may return anything: an impossible time counts as no answer.
    guard sent <= now, now - sent < UInt64(3600) * 1_000_000_000 else { return }
    connection.count { $0.roundTrip = .nanoseconds(Int64(now - sent)) }
  }

  func read(context: ChannelHandlerContext) {
    if isPaused { wantsRead = true } else { context.read() }
  }

  func pauseReading() { isPaused = true }

  func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    lastReceived = .now()
    if wantsRead {
      wantsRead = false
      context?.read()
    }
    keepAlive()
  }
}
