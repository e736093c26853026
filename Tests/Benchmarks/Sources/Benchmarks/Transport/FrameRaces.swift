import Dispatch
import Glibc
import Logging
import NIOCore
import SoftadastraCore
import SoftadastraTransport
import Synchronization
import Yardsticks

/// Frames between two transports on the loopback interface, through TLS, beside bare sockets.
enum FrameRaces {
  static let trips = 300
  static let tripBytes = 200
  static let bulkFrames = 64
  static let bulkBytes = 1 << 20

  static var all: [Race] {
    [
      Race("frame round trip", against: "bytes through bare sockets", in: "trips") {
        let link = try TransportLink()
        let bare = try SocketLink()
        return (
          { try Rate.of(trips) { for _ in 0..<trips { try link.exchange(1, tripBytes) } } },
          { try Rate.of(trips) { for _ in 0..<trips { try bare.exchange(tripBytes) } } }
        )
      },
      Race("frames in bulk", against: "bytes through bare sockets", in: "B") {
        let link = try TransportLink()
        let bare = try SocketLink()
        return (
          { try Rate.of(bulkFrames * bulkBytes) { try link.exchange(bulkFrames, bulkBytes) } },
          { try Rate.of(bulkFrames * bulkBytes) { try bare.exchange(bulkFrames * bulkBytes) } }
        )
      },
    ]
  }
}

/// Two connected transports. The far one answers once it has as many bytes as were announced.
private final class TransportLink {
  private final class Far: Sendable {
    let transport = Mutex<Transport?>(nil)
    let left = Mutex(0)
  }

  private let near: Transport
  private let far = Far()
  private let connection: ConnectionID
  private let answered = DispatchSemaphore(value: 0)

  init() throws {
    var options = TransportOptions()
    options.compression = .never
    var logger = Logger(label: "benchmark")
    logger.logLevel = .critical
    let (far, answered) = (self.far, self.answered)
    let other = Transport(identity: try .generate(commonName: "far"), options: options, logger: logger) { event in
      guard case .frames(let id, let frames) = event else { return }
      let isComplete = far.left.withLock { left in
        left -= frames.reduce(0) { $0 + $1.payload.readableBytes }
        return left <= 0
      }
      guard isComplete else { return }
      _ = try? far.transport.withLock { $0 }?.trySend([Frame(kind: 1, payload: ByteBuffer(bytes: [1]))], to: id)
    }
    far.transport.withLock { $0 = other }
    let connected = DispatchSemaphore(value: 0)
    let found = Mutex<ConnectionID?>(nil)
    near = Transport(identity: try .generate(commonName: "near"), options: options, logger: logger) { event in
      switch event {
      case .connected(let id, _, _, isInbound: _):
        found.withLock { $0 = id }
        connected.signal()
      case .frames: answered.signal()
      case .disconnected, .dialFailed: break
      }
    }
    let bound = Mutex<PeerAddress?>(nil)
    let listening = DispatchSemaphore(value: 0)
    Task.detached {
      let address = try? await other.listen(on: PeerAddress(host: "127.0.0.1", port: 0))
      bound.withLock { $0 = address }
      listening.signal()
    }
    listening.wait()
    guard let address = bound.withLock({ $0 }) else { throw YardstickError("cannot listen") }
    near.dial(address)
    guard connected.wait(timeout: .now() + 10) == .success, let id = found.withLock({ $0 }) else {
      throw YardstickError("no connection")
    }
    connection = id
  }

  /// Sends the frames and waits for the answer.
  func exchange(_ count: Int, _ bytes: Int) throws {
    far.left.withLock { $0 = count * bytes }
    let frame = Frame(kind: 1, payload: ByteBuffer(repeating: 7, count: bytes))
    for _ in 0..<count {
      while try !near.trySend([frame], to: connection) { usleep(50) }
    }
    guard answered.wait(timeout: .now() + 20) == .success else { throw YardstickError("no answer") }
  }
}

/// Two connected sockets; a thread at the far end answers in the same way.
private final class SocketLink {
  private let near: Int32
  private let left = Far()

  private final class Far: Sendable {
    let left = Mutex(0)
  }

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    near = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let isConnected = withUnsafeMutablePointer(to: &address) { raw in
      raw.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &length) == 0
          && connect(near, raw, length) == 0
      }
    }
    guard isConnected else { throw YardstickError("no sockets") }
    let far = accept(listener, nil, nil)
    close(listener)
    for end in [near, far] {
      var yes: Int32 = 1
      setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
    }
    let counter = left
    DispatchQueue(label: "far socket").async {
      var buffer = [UInt8](repeating: 0, count: 256 << 10)
      while true {
        let count = read(far, &buffer, buffer.count)
        guard count > 0 else { break }
        let isComplete = counter.left.withLock { left in
          left -= count
          return left <= 0
        }
        if isComplete { write(far, &buffer, 1) }
      }
      close(far)
    }
  }

  deinit { close(near) }

  func exchange(_ bytes: Int) throws {
    left.left.withLock { $0 = bytes }
    let buffer = [UInt8](repeating: 7, count: min(bytes, 1 << 20))
    var sent = 0
    while sent < bytes {
      let count = write(near, buffer, min(buffer.count, bytes - sent))
      guard count > 0 else { throw YardstickError("cannot send") }
      sent += count
    }
    var answer: UInt8 = 0
    guard read(near, &answer, 1) == 1 else { throw YardstickError("no answer") }
  }
}
