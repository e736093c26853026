import SoftadastraCore
import Testing

@testable import SoftadastraMetadata

@Suite struct MetadataTests {
  private func node(_ byte: UInt8) throws -> NodeID {
    try #require(NodeID(bytes: [UInt8](repeating: byte, count: NodeID.byteCount)))
  }

  private func sample(_ byte: UInt8 = 7) throws -> NodeMetadata {
    NodeMetadata(
      nodeID: try node(byte), name: "laptop",
      platform: PlatformInfo(
        system: "Debian GNU/Linux 13", kernel: "Linux 6.12", architecture: "x86_64", hostname: "laptop.lan"),
      capabilities: ["lz4", "moves"], startedAt: 1_700_000_000_000)
  }

  @Test func survivesItsBinaryForm() throws {
    let sample = try sample()
    #expect(try NodeMetadata(decoding: sample.encoded) == sample)
    #expect(sample.version == softadastraVersion)
  }

  @Test func whatIsTooLongOrInvisibleIsCleanedOnEitherSide() throws {
    var sample = try sample()
    sample.capabilities = []
    let long = NodeMetadata(
      nodeID: sample.nodeID, name: String(repeating: "ä", count: 500) + "\n", platform: sample.platform,
      capabilities: Set((0..<100).map { "c\($0)" } + ["Not Valid", ""]), startedAt: 0)
    #expect(long.name.utf8.count <= NodeMetadata.maxTextBytes)
    #expect(long.capabilities.count == Capability.maxCount)
    #expect(try NodeMetadata(decoding: long.encoded) == long)
    sample.name = "a\u{1B}[31mb"
    #expect(try !NodeMetadata(decoding: sample.encoded).name.unicodeScalars.contains("\u{1B}"))
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try sample().encoded
    for count in 0..<bytes.count {
      #expect(throws: CodingError.self) { try NodeMetadata(decoding: Array(bytes[..<count])) }
    }
    #expect(throws: CodingError.self) { try NodeMetadata(decoding: bytes + [0]) }
  }

  @Test(arguments: 1...100) func damagedBytesNeverTrap(seed: UInt64) throws {
    var bytes = try sample().encoded
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    for _ in 0..<4 {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
    }
    if let decoded = try? NodeMetadata(decoding: bytes) {
      #expect(try NodeMetadata(decoding: decoded.encoded) == decoded)
    }
  }

  @Test func thisMachineIsKnown() {
    let here = PlatformInfo.collect()
    #expect(here.kernel.hasPrefix("Linux "))
    #expect(!here.hostname.isEmpty && !here.system.isEmpty && !here.architecture.isEmpty)
  }

  @Test func theReleaseFileIsReadAsShellWould() {
    #expect(PlatformInfo.release(from: "ID=x\nPRETTY_NAME=\"Some OS 1 (a)\"\n") == "Some OS 1 (a)")
    #expect(PlatformInfo.release(from: "PRETTY_NAME='Q'") == "Q")
    #expect(PlatformInfo.release(from: "PRETTY_NAME=bare") == "bare")
    #expect(PlatformInfo.release(from: "PRETTY_NAME=\nNAME=y") == nil)
    #expect(PlatformInfo.release(from: "PRETTY_NAME=\"") == "\"")
  }

  @Test func theUptimeNeverIsNegative() throws {
    let sample = try sample()
    #expect(sample.uptimeMilliseconds(at: sample.startedAt + 5) == 5)
    #expect(sample.uptimeMilliseconds(at: 0) == 0)
    var odd = sample
    odd.startedAt = .min
    #expect(odd.uptimeMilliseconds(at: .max) == 0)
  }

  @Test func theRegistryKeepsTheLatestOfEach() throws {
    var registry = MetadataRegistry()
    var sample = try sample()
    let first = registry.update(sample)
    let again = registry.update(sample)
    sample.name = "desk"
    let changed = registry.update(sample)
    #expect(first && !again && changed)
    #expect(registry[sample.nodeID]?.name == "desk")
    for index in 0..<2000 {
      var other = sample
      other.nodeID = try #require(
        NodeID(bytes: (0..<32).map { $0 < 2 ? UInt8(truncatingIfNeeded: index >> ($0 * 8)) : 1 }))
      registry.update(other)
    }
    #expect(registry.all.count == MetadataRegistry.maxNodes)
    registry.remove(sample.nodeID)
    #expect(registry[sample.nodeID] == nil)
  }
}
