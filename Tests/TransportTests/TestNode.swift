import Logging
import NIOCore
import SoftadastraCore
import SoftadastraTransport
import Synchronization

/// A transport whose events are kept, to be waited for with a deadline.
final class TestNode: Sendable {
  struct TimedOut: Error {
    var waitedFor: String
    var events: [String]
  }

  let identity: DeviceIdentity
  let transport: Transport
  let log: EventLog

  init(_ options: TransportOptions = TransportOptions()) throws {
    identity = try DeviceIdentity.generate(commonName: "test")
    let log = EventLog()
    self.log = log
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    transport = Transport(identity: identity, options: options, logger: logger) { log.append($0) }
  }

  func listen() async throws -> PeerAddress {
    try await transport.listen(on: PeerAddress(host: "127.0.0.1", port: 0))
  }

  func connected() async throws -> (ConnectionID, PeerIdentity) {
    try await log.first("connected") {
      if case .connected(let id, let peer, _, _) = $0 { return (id, peer) }
      return nil
    }
  }

  func disconnected() async throws -> SoftadastraError? {
    let found: [SoftadastraError?] = try await log.first("disconnected") {
      if case .disconnected(_, let error) = $0 { return [error] }
      return nil
    }
    return found[0]
  }

  func dialFailure() async throws -> SoftadastraError {
    try await log.first("dialFailed") {
      if case .dialFailed(_, _, let error) = $0 { return error }
      return nil
    }
  }

  /// The first `count` frames, as soon as they are there.
  func frames(_ count: Int, within limit: Duration = .seconds(10)) async throws -> [Frame] {
    try await log.wait("\(count) frames", within: limit) { $0.frames.count >= count ? $0.frames : nil }
  }
}

final class EventLog: Sendable {
  struct Contents {
    var events: [TransportEvent] = []
    var frames: [Frame] = []
    var frameBytes = 0
  }

  private let contents = Mutex(Contents())
  /// Frames are counted, but not kept.
  let countsOnly = Atomic(false)

  func append(_ event: TransportEvent) {
    contents.withLock {
      if case .frames(_, let frames) = event {
        $0.frameBytes += frames.reduce(0) { $0 + $1.payload.readableBytes }
        if !countsOnly.load(ordering: .relaxed) { $0.frames += frames }
      } else {
        $0.events.append(event)
      }
    }
  }

  var now: Contents { contents.withLock { $0 } }

  func wait<Value>(
    _ what: String, within limit: Duration = .seconds(10), _ condition: (Contents) throws -> Value?
  ) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
      if let value = try condition(now) { return value }
      if clock.now > deadline {
        throw TestNode.TimedOut(waitedFor: what, events: contents.withLock { $0.events.map { "\($0)" } })
      }
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  func first<Value>(_ what: String, _ pick: (TransportEvent) -> Value?) async throws -> Value {
    try await wait(what) { contents in
      for event in contents.events { if let value = pick(event) { return value } }
      return nil
    }
  }
}

/// Two nodes with a connection between them; both are shut down at the end.
func withPair(
  _ dialling: TransportOptions = TransportOptions(), _ listening: TransportOptions = TransportOptions(),
  _ body: (_ a: TestNode, _ b: TestNode, _ toB: ConnectionID, _ toA: ConnectionID) async throws -> Void
) async throws {
  let a = try TestNode(dialling)
  let b = try TestNode(listening)
  do {
    a.transport.dial(try await b.listen(), expecting: b.identity.nodeID)
    let (toB, _) = try await a.connected()
    let (toA, _) = try await b.connected()
    try await body(a, b, toB, toA)
  } catch {
    await a.transport.shutdown()
    await b.transport.shutdown()
    throw error
  }
  await a.transport.shutdown()
  await b.transport.shutdown()
}

func bytes(_ count: Int, seed: UInt64 = 1) -> ByteBuffer {
  var random = SeededRandom(seed)
  var out = ByteBuffer()
  out.reserveCapacity(count)
  while out.readableBytes + 8 <= count { out.writeInteger(random.next()) }
  while out.readableBytes < count { out.writeInteger(UInt8(truncatingIfNeeded: random.next())) }
  return out
}

func text(_ count: Int) -> ByteBuffer {
  var out = ByteBuffer()
  var line = 0
  while out.readableBytes < count {
    out.writeString("line \(line) of a log that says much the same again and again\n")
    line += 1
  }
  return out.getSlice(at: 0, length: count) ?? out
}

struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
