import SoftadastraCore
import Testing

@testable import SoftadastraDiscovery

@Suite struct DiscoveryPacketTests {
  private let key = DiscoveryKey([UInt8](repeating: 1, count: 32))
  private let other = DiscoveryKey([UInt8](repeating: 2, count: 32))

  private func packet(_ kind: DiscoveryPacket.Kind = .announce) -> DiscoveryPacket {
    DiscoveryPacket(kind: kind, nodeID: testNode(5), listenPort: 22420, startNonce: 0x0123_4567_89AB_CDEF)
  }

  @Test func opensWithItsKeyAmongSeveral() throws {
    for kind in [DiscoveryPacket.Kind.announce, .probe, .bye] {
      let bytes = try #require(packet(kind).sealed(with: key, random: SystemRandom()))
      #expect(bytes.count == DiscoveryPacket.bytes && bytes.count <= DiscoveryPacket.maxBytes)
      let opened = try #require(DiscoveryPacket.open(bytes, with: [other, key]))
      #expect(opened.packet == packet(kind) && opened.key == 1)
      #expect(DiscoveryPacket.open(bytes, with: [other]) == nil)
      #expect(DiscoveryPacket.open(bytes, with: []) == nil)
    }
  }

  @Test func twoPacketsShareNothingButTheirForm() throws {
    let a = try #require(packet().sealed(with: key, random: SystemRandom()))
    let b = try #require(packet().sealed(with: key, random: SystemRandom()))
    #expect(a.prefix(6) == b.prefix(6))
    let same = zip(a, b).dropFirst(6).filter { $0 == $1 }.count
    #expect(same < 16)
  }

  @Test func everyBitCounts() throws {
    let bytes = try #require(packet().sealed(with: key, random: SystemRandom()))
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        #expect(DiscoveryPacket.open(damaged, with: [key]) == nil)
      }
    }
    for count in 0..<bytes.count { #expect(DiscoveryPacket.open(Array(bytes[..<count]), with: [key]) == nil) }
    #expect(DiscoveryPacket.open(bytes + [0], with: [key]) == nil)
  }

  @Test(arguments: 1...200) func randomDatagramsAreIgnored(seed: UInt64) {
    let random = SeededSource(seed)
    var bytes = random.bytes(Int(random.next() % 600))
    if seed % 2 == 0 { bytes.replaceSubrange(0..<min(6, bytes.count), with: Array("SFDP".utf8) + [1, 1]) }
    #expect(DiscoveryPacket.open(bytes, with: [key, other]) == nil)
  }

  @Test func inviteKeysDependOnTheSecret() {
    let a = DiscoveryKey.forInvite(secret: [1])
    #expect(a.count == DiscoveryKey.byteCount && a == DiscoveryKey.forInvite(secret: [1]))
    #expect(a != DiscoveryKey.forInvite(secret: [2]))
  }
}
