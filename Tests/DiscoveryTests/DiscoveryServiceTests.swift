import Logging
import SoftadastraCore
import SoftadastraTransport
import Synchronization
import Testing

@testable import SoftadastraDiscovery

func testNode(_ byte: UInt8) -> NodeID {
  NodeID(bytes: [UInt8](repeating: byte, count: NodeID.byteCount))!
}

final class SeededSource: RandomSource {
  private let state: Mutex<UInt64>
  init(_ seed: UInt64) { state = Mutex(seed &* 0x9E37_79B9_7F4A_7C15 | 1) }

  func next() -> UInt64 {
    state.withLock {
      $0 ^= $0 << 13
      $0 ^= $0 >> 7
      $0 ^= $0 << 17
      return $0 &* 0x2545_F491_4F6C_DD1D
    }
  }
}

private final class TestService: Sendable {
  private final class Log: Sendable {
    let events = Mutex<[DiscoveryEvent]>([])
  }

  let service: DiscoveryService
  private let log: Log
  let nodeID: NodeID

  init(
    _ node: UInt8, udp: UInt16, key: UInt8 = 1, nonce: UInt64 = SystemRandom().next(), listenPort: UInt16 = 4000,
    announces: Bool = true
  ) {
    var options = DiscoveryOptions()
    options.port = udp
    options.announces = announces
    options.checkInterval = .milliseconds(200)
    // Only loopback: other machines of the network are none of a test's business.
    options.interfaces = ["lo"]
    let log = Log()
    self.log = log
    nodeID = testNode(node)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    service = DiscoveryService(
      options: options,
      identity: DiscoveryIdentity(nodeID: nodeID, listenPort: listenPort, startNonce: nonce),
      discoveryKey: [UInt8](repeating: key, count: 32), logger: logger
    ) { event in log.events.withLock { $0.append(event) } }
  }

  var events: [DiscoveryEvent] { log.events.withLock { $0 } }

  func found(_ other: TestService, within limit: Duration = .seconds(5)) async throws -> DiscoveredPeer {
    try await wait("\(other.nodeID.short) to be found", within: limit) {
      service.peers.first { $0.nodeID == other.nodeID && !$0.addresses.isEmpty }
    }
  }

  func wait<Value>(
    _ what: String, within limit: Duration = .seconds(5), _ condition: () -> Value?
  ) async throws -> Value {
    let deadline = ContinuousClock().now + limit
    while true {
      if let value = condition() { return value }
      try #require(ContinuousClock().now < deadline, "waited for \(what); events \(events)")
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

@Suite(.serialized) struct DiscoveryServiceTests {
  private static let nextPort = Atomic<Int>(Int.random(in: 30_000..<50_000))

  private func freshPort() -> UInt16 {
    UInt16(Self.nextPort.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  @Test func twoNodesOfOneHostFindEachOther() async throws {
    let port = freshPort()
    let a = TestService(1, udp: port, listenPort: 4001)
    let b = TestService(2, udp: port, listenPort: 4002)
    try await a.service.start()
    try await b.service.start()
    let seenByB = try await b.found(a)
    let seenByA = try await a.found(b)
    #expect(seenByB.addresses.contains(PeerAddress(host: "127.0.0.1", port: 4001)))
    #expect(seenByA.addresses.contains(PeerAddress(host: "127.0.0.1", port: 4002)))
    #expect(seenByA.via == .group)
    // And a third, although one of the shared sockets gets each unicast datagram.
    let c = TestService(3, udp: port, listenPort: 4003)
    try await c.service.start()
    _ = try await (c.found(a), c.found(b), a.found(c), b.found(c))
    await a.service.stop()
    _ = try await b.wait("the goodbye") { b.service.peers.contains { $0.nodeID == a.nodeID } ? nil : true }
    #expect(b.events.contains { if case .lost(let peer) = $0 { peer.nodeID == a.nodeID } else { false } })
    await b.service.stop()
    await c.service.stop()
  }

  @Test func foreignGroupsAndOwnPacketsAreNotSeen() async throws {
    let port = freshPort()
    let a = TestService(1, udp: port)
    let foreign = TestService(2, udp: port, key: 9)
    let friend = TestService(3, udp: port)
    try await a.service.start()
    try await foreign.service.start()
    try await friend.service.start()
    // Once the friend is found, what the others sent before has been read too.
    _ = try await (a.found(friend), friend.found(a))
    #expect(a.service.peers.map(\.nodeID) == [friend.nodeID])
    #expect(foreign.service.peers.isEmpty)
    for service in [a, foreign, friend] { await service.service.stop() }
  }

  @Test func clonesSeeEachOther() async throws {
    let port = freshPort()
    let a = TestService(1, udp: port, nonce: 1, listenPort: 4001)
    let clone = TestService(1, udp: port, nonce: 2, listenPort: 4002)
    try await a.service.start()
    try await clone.service.start()
    #expect(try await a.found(clone).startNonce == 2)
    #expect(try await clone.found(a).startNonce == 1)
    await a.service.stop()
    await clone.service.stop()
  }

  @Test func aJoinerFindsTheInviterByTheInvite() async throws {
    let port = freshPort()
    let invite = DiscoveryKey.forInvite(secret: [1, 2, 3])
    let inviter = TestService(1, udp: port, key: 1, listenPort: 4001)
    let joiner = TestService(2, udp: port, key: 2, listenPort: 4002)
    try await inviter.service.start()
    try await joiner.service.start()
    inviter.service.setKeys(primary: [UInt8](repeating: 1, count: 32), additional: [invite])
    joiner.service.setKeys(primary: [UInt8](repeating: 2, count: 32), additional: [invite])
    let peer = try await joiner.found(inviter)
    #expect(peer.via == .additional(invite) && peer.addresses.first?.port == 4001)
    // Redeemed: the joiner takes over the group's key.
    joiner.service.setKeys(primary: [UInt8](repeating: 1, count: 32))
    _ = try await joiner.wait("the group") {
      joiner.service.peers.contains { $0.nodeID == inviter.nodeID && $0.via == .group } ? true : nil
    }
    await inviter.service.stop()
    await joiner.service.stop()
  }

  @Test func searchingFindsWhoComesLater() async throws {
    let port = freshPort()
    let a = TestService(1, udp: port, announces: false)
    try await a.service.start()
    a.service.setSearching(true)
    let b = TestService(2, udp: port)
    try await b.service.start()
    _ = try await a.found(b)
    // A listener shows no address.
    #expect(b.service.peers.allSatisfy { $0.addresses.isEmpty })
    await a.service.stop()
    await b.service.stop()
  }

  @Test func aServiceStartsOnce() async throws {
    let a = TestService(1, udp: freshPort())
    try await a.service.start()
    await #expect(throws: SoftadastraError.self) { try await a.service.start() }
    await a.service.stop()
    await a.service.stop()
    await #expect(throws: SoftadastraError.self) { try await a.service.start() }
  }
}
