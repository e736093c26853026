import Testing

@testable import SoftadastraMirror

@Suite struct ObservingPaceTests {
  /// How often a batch waits for peers that take so much in each pause.
  private func pauses(_ pace: inout ObservingPace, taking step: UInt64, crowdedFor limit: Int = .max) -> Int {
    var taken: UInt64 = 1000
    var pauses = 0
    pace.batchBegins()
    while pace.waits(taken: pauses < limit ? taken : nil) {
      pauses += 1
      taken += step
    }
    return pauses
  }

  @Test func waitsForFastPeersUntilThereIsRoom() {
    var pace = ObservingPace()
    #expect(pauses(&pace, taking: 20, crowdedFor: 0) == 0)
    #expect(pauses(&pace, taking: 20, crowdedFor: 7) == 7)
    #expect(pauses(&pace, taking: 13, crowdedFor: 30) == 30)
  }

  @Test func neverWaitsLong() {
    var pace = ObservingPace()
    for _ in 0..<3 { #expect(pauses(&pace, taking: 1000) == ObservingPace.maxPauses) }
  }

  @Test(arguments: [0, 1, 12] as [UInt64]) func waitsOnceForSlowPeers(step: UInt64) {
    var pace = ObservingPace()
    #expect(pauses(&pace, taking: step) == ObservingPace.judgedPauses)
    for _ in 0..<3 { #expect(pauses(&pace, taking: step) == 0) }
    // There was room.
    #expect(pauses(&pace, taking: step, crowdedFor: 0) == 0)
    #expect(pauses(&pace, taking: 100, crowdedFor: 8) == 8)
  }
}
