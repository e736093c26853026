import Testing

@testable import SoftadastraTransport

@Suite struct CompressionPolicyTests {
  private let payload = 1 << 20

  /// Sends `count` payloads over a link and returns how many were compressed.
  private func run(
    _ policy: inout CompressionPolicy, _ count: Int, ratio: Double, compressor: Double, link: Double
  ) -> Int {
    var compressed = 0
    var window = 0
    for _ in 0..<count {
      if policy.shouldCompress(bytes: payload) {
        compressed += 1
        policy.didCompress(
          plain: payload, packed: Int(Double(payload) * ratio), seconds: Double(payload) / compressor)
      }
      window += payload
      if window >= 8 << 20 {
        policy.didDrain(bytes: window, seconds: Double(window) / link)
        window = 0
      }
    }
    return compressed
  }

  @Test func aSlowLinkKeepsCompressing() {
    var policy = CompressionPolicy(mode: .auto)
    #expect(run(&policy, 500, ratio: 0.4, compressor: 8e8, link: 1e8) > 400)
    #expect(policy.state == .active)
  }

  @Test func aFastLinkTurnsItOff() {
    var policy = CompressionPolicy(mode: .auto)
    #expect(run(&policy, 500, ratio: 0.4, compressor: 8e8, link: 2.5e9) < 20)
    #expect(policy.state == .linkFaster)
  }

  @Test func incompressibleDataIsTriedRarely() {
    var policy = CompressionPolicy(mode: .auto)
    #expect(run(&policy, 500, ratio: 1, compressor: 1e10, link: 1e8) < 30)
    // And data that shrinks again is noticed.
    #expect(run(&policy, 500, ratio: 0.4, compressor: 8e8, link: 1e8) > 300)
  }

  @Test func modesAreObeyedAndSmallPayloadsLeftAlone() {
    var always = CompressionPolicy(mode: .always)
    var never = CompressionPolicy(mode: .never)
    #expect(run(&always, 100, ratio: 1, compressor: 1e8, link: 1e10) == 100)
    #expect(run(&never, 100, ratio: 0.1, compressor: 1e10, link: 1e6) == 0)
    #expect(never.state == .disabled)
    #expect(always.shouldCompress(bytes: 100) == false)
  }
}
