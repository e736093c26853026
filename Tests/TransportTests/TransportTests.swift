import Glibc
import NIOCore
import SoftadastraCore
import Synchronization
import Testing

@testable import SoftadastraTransport

@Suite struct TransportTests {
  @Test func bothSidesLearnTheOthersKey() async throws {
    let a = try TestNode()
    let b = try TestNode()
    a.transport.dial(try await b.listen())
    let (_, seenByA) = try await a.connected()
    let (_, seenByB) = try await b.connected()
    #expect(seenByA.nodeID == b.identity.nodeID && seenByA.publicKey == b.identity.publicKey)
    #expect(seenByB.nodeID == a.identity.nodeID && seenByB.publicKey == a.identity.publicKey)
    await a.transport.shutdown()
    let error = try #require(try await b.disconnected())
    #expect(error.code == .closed && error.why.contains("shutting down"))
    #expect(try await a.disconnected() == nil)
    await b.transport.shutdown()
  }

  @Test func anotherNodeThanExpectedIsRefusedNamingBoth() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let wanted = try DeviceIdentity.generate(commonName: "wanted").nodeID
    a.transport.dial(try await b.listen(), expecting: wanted)
    let error = try await a.dialFailure()
    #expect(error.code == .untrusted)
    #expect(error.why.contains("\(wanted)") && error.why.contains("\(b.identity.nodeID)"))
    await a.transport.shutdown()
    await b.transport.shutdown()
    #expect(b.log.now.events.isEmpty)
  }

  @Test func anUnknownProtocolIsNamedOnBothSides() async throws {
    var newer = TransportOptions()
    newer.protocolVersions = 7...9
    let a = try TestNode(newer)
    let b = try TestNode()
    a.transport.dial(try await b.listen())
    let error = try await a.dialFailure()
    #expect(error.description.contains("1") && error.description.contains("7 to 9"))
    await a.transport.shutdown()
    await b.transport.shutdown()
    #expect(b.log.now.events.isEmpty)
  }

  @Test func overlappingVersionsAgree() async throws {
    var newer = TransportOptions()
    newer.protocolVersions = 1...9
    try await withPair(newer) { _, _, _, _ in }
  }

  @Test func aDialToNobodyFailsWithTheReason() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let address = try await b.listen()
    await b.transport.shutdown()
    a.transport.dial(address)
    let error = try await a.dialFailure()
    #expect(error.code == .network && error.isRetryable && error.why.contains("refused"))
    await a.transport.shutdown()
  }

  @Test func aTakenPortIsOneClearError() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let address = try await a.listen()
    let error = await #expect(throws: SoftadastraError.self) { try await b.transport.listen(on: address) }
    #expect(error?.code == .conflict && error?.location == "\(address)")
    await a.transport.shutdown()
    await b.transport.shutdown()
  }

  @Test func theWildcardServesIPv4() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let address = try await b.transport.listen(on: PeerAddress(host: "::", port: 0))
    a.transport.dial(PeerAddress(host: "127.0.0.1", port: address.port))
    _ = try await a.connected()
    let from = try await b.log.first("connected") { event -> PeerAddress? in
      if case .connected(_, _, let address, isInbound: true) = event { return address }
      return nil
    }
    #expect(from.host == "127.0.0.1")
    await a.transport.shutdown()
    await b.transport.shutdown()
  }

  /// Such as `fe80::1%eth0`; nil on a machine without.
  private static let linkLocalHost: String? = {
    var head: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&head) == 0 else { return nil }
    defer { freeifaddrs(head) }
    var cursor = head
    while let entry = cursor?.pointee {
      cursor = entry.ifa_next
      guard let address = entry.ifa_addr, Int32(address.pointee.sa_family) == AF_INET6 else { continue }
      var text = [CChar](repeating: 0, count: 256)
      let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
      guard getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { continue }
      let host = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      if host.hasPrefix("fe80:"), host.contains("%") { return host }
    }
    return nil
  }()

  @Test(.enabled(if: linkLocalHost != nil)) func linkLocalAddressesAreDialledByTheirScope() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let port = try await b.transport.listen(on: PeerAddress(host: "::", port: 0)).port
    let host = try #require(Self.linkLocalHost)
    let address = try #require(PeerAddress("[\(host)]:\(port)"))
    a.transport.dial(address, expecting: b.identity.nodeID)
    #expect(try await a.connected().1.nodeID == b.identity.nodeID)
    await a.transport.shutdown()
    await b.transport.shutdown()
  }

  @Test func framesKeepTheirOrderAndBytes() async throws {
    try await withPair { a, b, toB, _ in
      var sent: [Frame] = []
      for index in 0..<300 {
        let size = [0, 1, 100, 8192, 8193, 70_000][index % 6]
        sent.append(Frame(kind: UInt8(index % 240), payload: bytes(size, seed: UInt64(index + 1))))
      }
      for start in stride(from: 0, to: 300, by: 7) {
        try await a.transport.send(Array(sent[start..<min(start + 7, 300)]), to: toB)
      }
      let received = try await b.frames(300)
      #expect(received == sent)
    }
  }

  @Test func compressedFramesArriveAsTheyWere() async throws {
    var always = TransportOptions()
    always.compression = .always
    try await withPair(always) { a, b, toB, _ in
      let payloads = [text(300), text(100_000), bytes(100_000), text(Bounds.maxFrameBytes)]
      for payload in payloads {
        try await a.transport.send([Frame(kind: 5, payload: payload, isCompressible: true)], to: toB)
      }
      let received = try await b.frames(4)
      #expect(received.map(\.payload) == payloads)
      let statistics = try #require(a.transport.statistics(of: toB))
      #expect(statistics.bytesOut < statistics.plainBytesOut / 2)
      #expect(statistics.compressorBytesPerSecond ?? 0 > 0)
    }
  }

  @Test func concurrentCallsKeepTheirOrderThroughCompression() async throws {
    var always = TransportOptions()
    always.compression = .always
    try await withPair(always) { a, b, toB, _ in
      // A large compressible batch takes its time on the pool; the small one behind it must not overtake.
      for round in 0..<20 {
        async let large: Void = a.transport.send(
          [Frame(kind: 1, payload: text(400_000), isCompressible: true)], to: toB)
        _ = try await large
        #expect(try a.transport.trySend([Frame(kind: 2, payload: bytes(4, seed: UInt64(round + 1)))], to: toB))
      }
      let kinds = try await b.frames(40).map(\.kind)
      #expect(kinds == (0..<20).flatMap { _ in [1, 2] as [UInt8] })
    }
  }

  @Test func sendersWaitWhileTheReceiverPauses() async throws {
    var options = TransportOptions()
    options.highWaterBytes = 1 << 20
    options.lowWaterBytes = 512 << 10
    try await withPair(options) { a, b, toB, toA in
      b.transport.pauseReading(toA)
      let done = EventLog()
      let total = 64
      let payload = bytes(1 << 20)
      let sender = Task {
        for _ in 0..<total {
          try await a.transport.send([Frame(kind: 1, payload: payload)], to: toB)
          done.append(.frames(toB, [Frame(kind: 1, payload: ByteBuffer())]))
        }
      }
      // Socket buffers take a few; then it stands still, well before the end.
      var sent = -1
      while true {
        let now = done.now.frames.count
        if now == sent, a.transport.pendingBytes(of: toB) > options.highWaterBytes { break }
        sent = now
        try await Task.sleep(for: .milliseconds(100))
      }
      #expect(sent < total - 10)
      #expect(a.transport.pendingBytes(of: toB) <= options.highWaterBytes + (1 << 20) + 64)
      #expect(try a.transport.trySend([Frame(kind: 2, payload: ByteBuffer())], to: toB) == false)
      b.transport.resumeReading(toA)
      try await sender.value
      let received = try await b.frames(total)
      #expect(received.count == total && received.allSatisfy { $0.payload == payload })
    }
  }

  @Test func waitingSendersFailWhenTheConnectionEnds() async throws {
    var options = TransportOptions()
    options.highWaterBytes = 64 << 10
    options.lowWaterBytes = 32 << 10
    options.closeDeadline = .milliseconds(100)
    try await withPair(options) { a, b, toB, toA in
      b.transport.pauseReading(toA)
      let sender = Task {
        while true { try await a.transport.send([Frame(kind: 1, payload: bytes(1 << 20))], to: toB) }
      }
      _ = try await b.log.wait("a full queue") { _ in
        a.transport.pendingBytes(of: toB) > options.highWaterBytes ? true : nil
      }
      a.transport.close(toB, reason: "enough")
      await #expect(throws: SoftadastraError.self) { try await sender.value }
      #expect(try await a.disconnected() == nil)
    }
  }

  @Test func reservedKindsAndOversizeFramesAreRefused() async throws {
    try await withPair { a, _, toB, _ in
      for frame in [
        Frame(kind: 0xF0, payload: ByteBuffer()),
        Frame(kind: 1, payload: ByteBuffer(repeating: 0, count: Bounds.maxFrameBytes + 1)),
      ] {
        let error = await #expect(throws: SoftadastraError.self) { try await a.transport.send([frame], to: toB) }
        #expect(error?.code == .invalid)
      }
    }
  }

  @Test func closingTellsTheReasonAfterWhatWasQueued() async throws {
    try await withPair { a, b, toB, _ in
      try await a.transport.send([Frame(kind: 1, payload: bytes(3 << 20))], to: toB)
      a.transport.close(toB, reason: "no longer a member")
      let error = try #require(try await b.disconnected())
      #expect(error.why.contains("no longer a member"))
      #expect(try await b.frames(1)[0].payload.readableBytes == 3 << 20)
      #expect(try await a.disconnected() == nil)
      await #expect(throws: SoftadastraError.self) { try await a.transport.send([], to: toB) }
    }
  }

  @Test func pingsKeepAConnectionAndMeasureIt() async throws {
    var options = TransportOptions()
    options.pingInterval = .milliseconds(50)
    options.idleDeadline = .milliseconds(400)
    try await withPair(options, options) { a, b, toB, toA in
      // A paused side hears nothing, yet both live on past the idle deadline.
      b.transport.pauseReading(toA)
      try await Task.sleep(for: .milliseconds(700))
      b.transport.resumeReading(toA)
      _ = try await a.log.wait("a round trip") { _ in a.transport.statistics(of: toB)?.roundTrip }
      #expect(!a.log.now.events.contains { if case .disconnected = $0 { true } else { false } })
      #expect(!b.log.now.events.contains { if case .disconnected = $0 { true } else { false } })
    }
  }

  @Test func aSilentPeerIsDead() async throws {
    var patient = TransportOptions()
    patient.pingInterval = .seconds(60)
    var strict = TransportOptions()
    strict.idleDeadline = .milliseconds(100)
    strict.pingInterval = .seconds(60)
    try await withPair(patient, strict) { a, b, _, _ in
      let error = try #require(try await b.disconnected())
      #expect(error.code == .timeout)
      #expect(try await a.disconnected() != nil)
    }
  }

  @Test func sixtyFourMebibytesPass() async throws {
    try await withPair { a, b, toB, _ in
      b.log.countsOnly.store(true, ordering: .relaxed)
      let payload = bytes(1 << 20)
      for _ in 0..<64 { try await a.transport.send([Frame(kind: 1, payload: payload)], to: toB) }
      _ = try await b.log.wait("64 MiB", within: .seconds(20)) { $0.frameBytes == 64 << 20 ? true : nil }
    }
  }
}
