import Testing

@testable import SoftadastraTransport

/// Payloads over a link of a given speed, a compressor beside it, and two CPU costs that the policy does not see.
@Suite struct CompressionPolicyTests {
  private let payload = 1 << 20

  /// Where the bytes meet whom, in bytes a second.
  private struct Path {
    var ratio = 0.4
    /// Of the strong compressor's output.
    var strongRatio = 0.3
    var compressor = 6e8
    var strongCompressor = 1e8
    /// Of bytes as they travel.
    var link: Double
    /// Compressing and sending share one core.
    var isSerial = false
    /// So many payloads are taken at once, and the next when all of them but two are gone.
    var burst: Int?
  }

  private struct Sent {
    var plain = 0
    var fast = 0
    var strong = 0
    var seconds = 0.0
  }

  private func run(_ policy: inout CompressionPolicy, _ count: Int, _ path: Path, pause: Double = 0) -> Sent {
    var sent = Sent()
    // When the compressor, and the link, will have done what they have.
    var (compressed, delivered, now) = (0.0, 0.0, 0.0)
    var arrivals: [Double] = []
    let window = CompressionPolicy.settleBytes / payload
    for index in 0..<count {
      // No more than that is asked for ahead.
      now = max(now, index < window ? 0 : arrivals[index - window]) + pause
      if let burst = path.burst, index > 0, index % burst == 0 { now = max(now, arrivals[index - 2]) }
      let effort = policy.effort(bytes: payload, at: now, isIdle: delivered <= now)
      var (bytes, seconds) = (Double(payload), 0.0)
      switch effort {
      case .none: sent.plain += 1
      case .fast:
        sent.fast += 1
        seconds = bytes / path.compressor
        bytes *= path.ratio
      case .strong:
        sent.strong += 1
        seconds = bytes / path.strongCompressor
        bytes *= path.strongRatio
      }
      if effort != .none { policy.didCompress(plain: payload, packed: Int(bytes), seconds: seconds) }
      compressed = max(compressed, now) + seconds
      delivered = max(delivered, compressed) + bytes / path.link
      arrivals.append(delivered)
      now = path.isSerial ? delivered : max(now, compressed)
    }
    sent.seconds = delivered
    return sent
  }

  @Test func aSlowLinkGetsTheStrongCompressor() {
    var policy = CompressionPolicy(mode: .auto)
    let path = Path(link: 1.2e7)
    let sent = run(&policy, 500, path)
    #expect(sent.strong > 470)
    #expect(policy.state == .strong)
    #expect(sent.plain == 0, "a slow link is never measured with plain bytes")
    // Of what no compressor could have sent faster.
    #expect(sent.seconds < 1.1 * 500 * Double(payload) * path.strongRatio / path.link)
  }

  @Test(arguments: 5...24)
  func aQueueThatFillsInBurstsDoesNotHideASlowLink(_ burst: Int) {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(strongCompressor: 6e7, link: 1.2e7, burst: burst))
    #expect(sent.strong > 450)
    #expect(policy.state == .strong)
  }

  @Test func aLinkOfMiddlingSpeedKeepsTheFastOne() {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(link: 1.2e8))
    #expect(sent.fast > 400)
    #expect(policy.state == .active)
  }

  @Test func whereCompressingCostsMoreThanItSavesItStops() {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(link: 2.5e9, isSerial: true))
    #expect(sent.plain > 400)
    #expect(policy.state == .linkFaster)
    // It is tried again later, and less and less often.
    let later = run(&policy, 8000, Path(link: 2.5e9, isSerial: true))
    #expect(later.plain > 7700)
    #expect(later.fast > 0)
  }

  @Test func aStrongCompressorThatCannotKeepUpGivesWay() {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(strongCompressor: 2e7, link: 1.2e7))
    #expect(sent.strong > 0)
    #expect(sent.fast > 400)
    #expect(policy.state == .active)
  }

  @Test func incompressibleDataIsTriedRarely() {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(ratio: 1, strongRatio: 1, compressor: 1e10, link: 1e8))
    #expect(sent.plain > 470)
    // And data that shrinks again is noticed.
    #expect(run(&policy, 500, Path(link: 1e8)).plain < 200)
  }

  /// Lone payloads say nothing of the link: what passes between them is nobody's fault.
  @Test func pausesMeasureNothing() {
    var policy = CompressionPolicy(mode: .auto)
    let sent = run(&policy, 500, Path(link: 2.5e9), pause: 1)
    #expect(sent.fast == 500)
  }

  @Test func modesAreObeyedAndSmallPayloadsLeftAlone() {
    var always = CompressionPolicy(mode: .always)
    var never = CompressionPolicy(mode: .never)
    #expect(run(&always, 100, Path(ratio: 1, link: 1e10)).fast == 100)
    #expect(run(&never, 100, Path(link: 1e6)).plain == 100)
    #expect(never.state == .disabled)
    #expect(always.effort(bytes: 100, at: 0, isIdle: true) == .none)
  }
}
