import Crypto
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import SoftadastraCore
import SwiftASN1
import Synchronization
import Testing
import X509

@testable import SoftadastraTransport

/// A client that does what it likes: raw bytes, or TLS with its own ideas.
private final class RawClient: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  struct Seen {
    var bytes = ByteBuffer()
    var isClosed = false
  }

  let seen = Mutex(Seen())

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    seen.withLock { _ = $0.bytes.writeImmutableBuffer(bytes) }
  }

  func channelInactive(context: ChannelHandlerContext) { seen.withLock { $0.isClosed = true } }
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}

  func connect(
    to address: PeerAddress, tls: NIOSSLContext? = nil, alpn: Bool = true
  ) async throws -> any Channel {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            let handler = try NIOSSLClientHandler(
              context: tls, serverHostname: nil,
              customVerificationCallback: { _, promise in promise.succeed(.certificateVerified) })
            try channel.pipeline.syncOperations.addHandler(handler)
          }
          try channel.pipeline.syncOperations.addHandler(self)
        }
      }
      .connect(host: address.host, port: address.port).get()
  }

  func closed(within limit: Duration = .seconds(5)) async throws {
    let deadline = ContinuousClock().now + limit
    while !seen.withLock({ $0.isClosed }) {
      try #require(ContinuousClock().now < deadline, "the server keeps the connection")
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}

@Suite struct HostilePeerTests {
  private func context(
    certificate: String, key: String, alpn: String = "softadastra/1", maximum: TLSVersion = .tlsv13
  ) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.maximumTLSVersion = maximum
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    configuration.applicationProtocols = [alpn]
    configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
      .certificate($0)
    }
    configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
    return try NIOSSLContext(configuration: configuration)
  }

  private func context(_ identity: DeviceIdentity) throws -> NIOSSLContext {
    try context(certificate: identity.certificatePEM, key: identity.privateKeyPEM)
  }

  private func frame(_ kind: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
    var out = ByteBuffer()
    OutboundFrame(kind: kind, payload: payload).writeHeader(into: &out)
    out.writeImmutableBuffer(payload)
    return out
  }

  /// Sends these bytes after a correct handshake; the node must close. Returns what it said.
  private func provoke(_ bytes: ByteBuffer, preamble: Bool = true) async throws -> (answer: String, node: TestNode) {
    let node = try TestNode()
    let client = RawClient()
    let channel = try await client.connect(
      to: try await node.listen(), tls: try context(try DeviceIdentity.generate(commonName: "odd")))
    var out = preamble ? frame(ControlKind.preamble, Preamble(versions: 1...1).payload) : ByteBuffer()
    out.writeImmutableBuffer(bytes)
    try? await channel.writeAndFlush(out)
    try await client.closed()
    await node.transport.shutdown()
    return (String(decoding: client.seen.withLock { $0.bytes.readableBytesView }, as: UTF8.self), node)
  }

  @Test func garbageInsteadOfTLSIsClosed() async throws {
    let node = try TestNode()
    let client = RawClient()
    let channel = try await client.connect(to: try await node.listen())
    try? await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    try await client.closed()
    await node.transport.shutdown()
    #expect(node.log.now.events.isEmpty)
  }

  @Test func silenceEndsAtTheHandshakeDeadline() async throws {
    var options = TransportOptions()
    options.handshakeDeadline = .milliseconds(200)
    let node = try TestNode(options)
    let address = try await node.listen()
    let mute = RawClient()
    _ = try await mute.connect(to: address)
    // One that finishes TLS but never sends a preamble is no better.
    let halfway = RawClient()
    _ = try await halfway.connect(to: address, tls: try context(try DeviceIdentity.generate(commonName: "half")))
    try await mute.closed()
    try await halfway.closed()
    await node.transport.shutdown()
    #expect(node.log.now.events.isEmpty)
  }

  @Test func aSlowServerFailsTheDial() async throws {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    var options = TransportOptions()
    options.handshakeDeadline = .milliseconds(200)
    let node = try TestNode(options)
    node.transport.dial(PeerAddress(host: "127.0.0.1", port: try #require(listener.localAddress?.port)))
    #expect(try await node.dialFailure().code == .timeout)
    await node.transport.shutdown()
    try await listener.close()
  }

  @Test func anUnknownProtocolIsToldAndClosed() async throws {
    let (answer, node) = try await provoke(
      frame(ControlKind.preamble, Preamble(versions: 7...9).payload), preamble: false)
    #expect(answer.contains("this node speaks protocol 1, the peer 7 to 9"))
    #expect(node.log.now.events.isEmpty)
  }

  @Test func aFirstFrameThatIsNoPreambleIsRefused() async throws {
    #expect(try await provoke(frame(1, bytes(10)), preamble: false).answer.contains("no preamble"))
    #expect(try await provoke(frame(ControlKind.preamble, bytes(8)), preamble: false).answer.contains("no preamble"))
  }

  @Test func beforeThePreambleOnlyAKibibyteIsTaken() async throws {
    var header = ByteBuffer()
    header.writeInteger(UInt32(1 << 20), endianness: .little)
    header.writeBytes([1, 0])
    #expect(try await provoke(header, preamble: false).answer.contains("above the limit of 1024"))
  }

  @Test func anOversizeFrameEndsTheConnection() async throws {
    var header = ByteBuffer()
    header.writeInteger(UInt32(Bounds.maxFrameBytes + 1), endianness: .little)
    header.writeBytes([1, 0])
    let (answer, node) = try await provoke(header)
    #expect(answer.contains("above the limit"))
    let error = try #require(try await node.disconnected())
    #expect(error.code == .damaged)
  }

  @Test func aDecompressionBombEndsTheConnection() async throws {
    var header = ByteBuffer()
    header.writeInteger(UInt32(100), endianness: .little)
    header.writeBytes([1, 1])
    header.writeInteger(UInt32(Bounds.maxFrameBytes), endianness: .little)
    header.writeImmutableBuffer(bytes(100))
    #expect(try await provoke(header).answer.contains("cannot hold"))
  }

  @Test func anotherApplicationProtocolIsRefused() async throws {
    let identity = try DeviceIdentity.generate(commonName: "web")
    let node = try TestNode()
    let client = RawClient()
    _ = try await client.connect(
      to: try await node.listen(),
      tls: try context(certificate: identity.certificatePEM, key: identity.privateKeyPEM, alpn: "h2"))
    try await client.closed()
    await node.transport.shutdown()
    #expect(node.log.now.events.isEmpty)
  }

  @Test func aClientWithoutCertificateIsRefused() async throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .noHostnameVerification
    configuration.applicationProtocols = ["softadastra/1"]
    let node = try TestNode()
    let client = RawClient()
    let channel = try await client.connect(
      to: try await node.listen(), tls: try NIOSSLContext(configuration: configuration))
    try? await channel.writeAndFlush(frame(ControlKind.preamble, Preamble(versions: 1...1).payload))
    try await client.closed()
    await node.transport.shutdown()
    #expect(node.log.now.events.isEmpty)
  }

  @Test func anotherCurveIsRefused() async throws {
    let key = P384.Signing.PrivateKey()
    let certificate = try certificate(.init(key), .init(key.publicKey), from: 0, to: 4_000_000_000)
    let node = try TestNode()
    let client = RawClient()
    let channel = try await client.connect(
      to: try await node.listen(), tls: try context(certificate: certificate, key: key.pemRepresentation))
    try? await channel.writeAndFlush(frame(ControlKind.preamble, Preamble(versions: 1...1).payload))
    try await client.closed()
    await node.transport.shutdown()
    #expect(node.log.now.events.isEmpty)
  }

  @Test func certificateDatesDoNotCount() async throws {
    for (from, to) in [(100.0, 200.0), (4_000_000_000.0, 4_100_000_000.0)] {
      let key = P256.Signing.PrivateKey()
      let certificate = try certificate(.init(key), .init(key.publicKey), from: from, to: to)
      let odd = try DeviceIdentity(privateKeyPEM: key.pemRepresentation, certificatePEM: certificate)
      let node = try TestNode()
      let client = RawClient()
      let channel = try await client.connect(to: try await node.listen(), tls: try context(odd))
      try await channel.writeAndFlush(frame(ControlKind.preamble, Preamble(versions: 1...1).payload))
      #expect(try await node.connected().1.nodeID == odd.nodeID)
      try await channel.close()
      await node.transport.shutdown()
    }
  }

  /// The answers would pile up here.
  @Test func whoPingsWithoutReadingIsAnsweredOnce() async throws {
    let count = 300_000
    let node = try TestNode()
    let client = RawClient()
    let channel = try await client.connect(
      to: try await node.listen(), tls: try context(try DeviceIdentity.generate(commonName: "flood")))
    try await channel.writeAndFlush(frame(ControlKind.preamble, Preamble(versions: 1...1).payload))
    let (id, _) = try await node.connected()
    try await channel.setOption(ChannelOptions.autoRead, value: false).get()
    var flood = ByteBuffer()
    for number in 1...count {
      flood.writeImmutableBuffer(
        frame(ControlKind.ping, ByteBuffer(integer: UInt64(number), endianness: .little)))
    }
    try await channel.writeAndFlush(flood)
    let deadline = ContinuousClock().now + .seconds(20)
    while node.transport.statistics(of: id)?.framesIn != UInt64(count) {
      try #require(ContinuousClock().now < deadline)
      try await Task.sleep(for: .milliseconds(10))
    }
    // Nothing more comes: what was owed was the last.
    try await channel.setOption(ChannelOptions.autoRead, value: true).get()
    let last = Array(frame(ControlKind.pong, ByteBuffer(integer: UInt64(count), endianness: .little)).readableBytesView)
    while !client.seen.withLock({ $0.bytes.readableBytesView.suffix(last.count).elementsEqual(last) }) {
      try #require(ContinuousClock().now < deadline)
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(client.seen.withLock { $0.bytes.readableBytes } < count * last.count * 3 / 4)
    try await channel.close()
    await node.transport.shutdown()
  }

  @Test func oneSourceCannotTakeAllPlaces() async throws {
    var options = TransportOptions()
    options.maxUnauthenticatedPerSource = 3
    let node = try TestNode(options)
    let address = try await node.listen()
    var clients: [RawClient] = []
    for _ in 0..<6 {
      let client = RawClient()
      _ = try await client.connect(to: address)
      clients.append(client)
    }
    let deadline = ContinuousClock().now + .seconds(5)
    while clients.filter({ $0.seen.withLock { $0.isClosed } }).count < 3 {
      try #require(ContinuousClock().now < deadline)
      try await Task.sleep(for: .milliseconds(2))
    }
    // The others keep their places. Which three these are is the event loops' choice, not the order of connecting.
    try await Task.sleep(for: .milliseconds(100))
    #expect(clients.filter { client in !client.seen.withLock { $0.isClosed } }.count == 3)
    await node.transport.shutdown()
  }

  private func certificate(
    _ key: Certificate.PrivateKey, _ publicKey: Certificate.PublicKey, from: Double, to: Double
  ) throws -> String {
    let name = try DistinguishedName { CommonName("odd") }
    return try Certificate(
      version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: Date(timeIntervalSince1970: from),
      notValidAfter: Date(timeIntervalSince1970: to), issuer: name, subject: name, extensions: .init(),
      issuerPrivateKey: key
    ).serializeAsPEM().pemString
  }
}
