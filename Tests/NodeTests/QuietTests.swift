import Testing

@testable import SoftadastraNode

/// Memory goes back soon after a burst, and a node at rest is woken rarely.
@Suite struct QuietTests {
  private func after(_ activities: [UInt64]) -> Quiet {
    var quiet = Quiet()
    for activity in activities { quiet.tick(activity) }
    return quiet
  }

  @Test func theFirstTickKnowsOfNoQuiet() {
    #expect(!after([5]).isQuiet && after([5]).leavesOut == 0)
  }

  @Test func quietBeginsWithTheSecondTickThatSeesNothing() {
    let quiet = after([5, 7, 7])
    #expect(quiet.isQuiet && quiet.hasJustBegun && quiet.givesMemoryBack && quiet.leavesOut == 0)
    let rest = after([5, 7, 7, 7])
    #expect(rest.isQuiet && !rest.hasJustBegun && rest.givesMemoryBack && rest.leavesOut == 2)
  }

  @Test func memoryGoesBackOnceMoreAndThenNot() {
    var quiet = Quiet()
    let times = (0...30).filter { _ in
      quiet.tick(1)
      return quiet.givesMemoryBack
    }
    #expect(times == [1, 2, 7])
  }

  @Test func anythingEndsIt() {
    let quiet = after([5, 5, 5, 5, 6])
    #expect(!quiet.isQuiet && quiet.leavesOut == 0 && !quiet.givesMemoryBack)
  }
}
