import SoftadastraCore
import SoftadastraTransport
import Testing

@testable import SoftadastraDiscovery

@Suite struct DiscoveryRegistryTests {
  private let second: UInt64 = 1_000_000_000

  private func packet(_ node: UInt8 = 1, nonce: UInt64 = 1, port: UInt16 = 10, _ kind: DiscoveryPacket.Kind = .announce)
    -> DiscoveryPacket
  {
    DiscoveryPacket(kind: kind, nodeID: testNode(node), listenPort: port, startNonce: nonce)
  }

  private func address(_ host: String, _ port: Int = 10) -> PeerAddress { PeerAddress(host: host, port: port) }

  @Test func aPeerIsFoundOnceAndAges() {
    var registry = DiscoveryRegistry()
    let news = registry.heard(packet(), at: address("a"), via: .group, now: 0)
    #expect(news.count == 1)
    let repeated = registry.heard(packet(), at: address("a"), via: .group, now: second)
    #expect(repeated.isEmpty)
    #expect(registry.sweep(now: 45 * second).isEmpty && registry.peers[0].state == .alive)
    #expect(registry.sweep(now: 46 * second).isEmpty && registry.peers[0].state == .stale)
    let back = registry.heard(packet(), at: address("a"), via: .group, now: 47 * second)
    #expect(back.count == 1 && registry.peers[0].state == .alive)
    guard case .lost(let peer)? = registry.sweep(now: 227 * second).first else {
      Issue.record("it never expires")
      return
    }
    #expect(peer.state == .expired && registry.peers.isEmpty)
  }

  @Test func addressesAddUpAndGoSingly() {
    var registry = DiscoveryRegistry()
    _ = registry.heard(packet(), at: address("a"), via: .group, now: 0)
    let news = registry.heard(packet(), at: address("b"), via: .group, now: 100 * second)
    #expect(news.count == 1)
    #expect(registry.peers[0].addresses == [address("b"), address("a")])
    _ = registry.heard(packet(), at: address("b"), via: .group, now: 170 * second)
    _ = registry.sweep(now: 200 * second)
    #expect(registry.peers[0].addresses == [address("b")])
    for index in 0..<20 { _ = registry.heard(packet(), at: address("c\(index)"), via: .group, now: 201 * second) }
    #expect(registry.peers[0].addresses.count == DiscoveryRegistry.maxAddressesPerPeer)
  }

  @Test func aGoodbyeCountsOnlyForItsStart() {
    var registry = DiscoveryRegistry()
    _ = registry.heard(packet(nonce: 2), at: address("a"), via: .group, now: 0)
    let old = registry.heard(packet(nonce: 1, .bye), at: address("a"), via: .group, now: 1)
    #expect(old.isEmpty && registry.peers.count == 1)
    let own = registry.heard(packet(nonce: 2, .bye), at: address("a"), via: .group, now: 1)
    #expect(own.count == 1 && registry.peers.isEmpty)
  }

  @Test func aRestartReplacesItsPredecessorAndACloneStands() {
    var registry = DiscoveryRegistry()
    _ = registry.heard(packet(nonce: 1), at: address("a"), via: .group, now: 0)
    let restart = registry.heard(packet(nonce: 2), at: address("a"), via: .group, now: 1)
    #expect(restart.count == 1 && registry.peers.map(\.startNonce) == [2])
    _ = registry.heard(packet(nonce: 3), at: address("b"), via: .group, now: 1)
    #expect(registry.peers.map(\.startNonce) == [2, 3])
  }

  @Test func whoDoesNotListenHasNoAddress() {
    var registry = DiscoveryRegistry()
    _ = registry.heard(packet(port: 0, .probe), at: address("a", 0), via: .additional([1]), now: 0)
    #expect(registry.peers[0].addresses.isEmpty && registry.peers[0].via == .additional([1]))
  }

  @Test func theTableIsBounded() {
    var registry = DiscoveryRegistry()
    for nonce in 0..<1100 as Range<UInt64> {
      _ = registry.heard(packet(nonce: nonce), at: address("h\(nonce)"), via: .group, now: 0)
    }
    #expect(registry.peers.count == DiscoveryRegistry.maxPeers)
  }

  @Test func aFloodingSourceCostsOnlyItself() {
    var limiter = SourceLimiter()
    var allowed = 0
    for _ in 0..<1000 where limiter.allows("flood", now: 0) { allowed += 1 }
    #expect(allowed == Int(SourceLimiter.burst))
    let quiet = limiter.allows("quiet", now: 0)
    let later = limiter.allows("flood", now: second)
    #expect(quiet && later)
    for index in 0..<5000 { _ = limiter.allows("s\(index)", now: 0) }
    var salts = RecentSalts()
    let first = salts.insert([1])
    let again = salts.insert([1])
    for index in 0..<2000 { _ = salts.insert([2, UInt8(index % 256), UInt8(index / 256)]) }
    let forgotten = salts.insert([1])
    #expect(first && !again && forgotten)
  }
}
