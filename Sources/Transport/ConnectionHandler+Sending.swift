internal import NIOCore

extension ConnectionHandler {
  func writeControl(_ kind: UInt8, _ payload: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    var out = ByteBuffer()
    OutboundFrame(kind: kind, payload: payload).writeHeader(into: &out)
    out.writeImmutableBuffer(payload)
    lastSent = .now()
    context.write(wrapOutboundOut(out), promise: promise)
  }

  /// Writes all that is queued, then flushes once.
  func drain() {
    guard case .open = phase, let context else { return }
    let frames = connection.takeQueued()
    guard !frames.isEmpty else { return }
    var packed = ByteBuffer()
    for frame in frames {
      frame.writeHeader(into: &packed)
      if frame.payload.readableBytes <= Self.maxPackedPayloadBytes {
        packed.writeImmutableBuffer(frame.payload)
        if packed.readableBytes < Self.packedBufferBytes { continue }
      }
      write(packed, context)
      packed = ByteBuffer()
      if frame.payload.readableBytes > Self.maxPackedPayloadBytes { write(frame.payload, context) }
    }
    if packed.readableBytes > 0 { write(packed, context) }
    connection.count { count in
      count.framesOut += UInt64(frames.count)
      for frame in frames {
        count.bytesOut += UInt64(frame.wireBytes)
        count.plainBytesOut += UInt64(frame.plainBytes)
      }
    }
    lastSent = .now()
    context.flush()
  }

  private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    let count = bytes.readableBytes
    if inFlightBytes == 0 {
      drainStart = .now()
      drainedBytes = 0
    }
    inFlightBytes += count
    context.write(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [self] _ in written(count) }
  }

  private func written(_ count: Int) {
    inFlightBytes -= count
    drainedBytes += count
    if drainedBytes >= Self.drainWindowBytes {
      let now = NIODeadline.now()
      connection.didDrain(bytes: drainedBytes, seconds: Double((now - drainStart).nanoseconds) / 1e9)
      drainStart = now
      drainedBytes = 0
    }
    connection.didWrite(count)
  }
}
