import Testing

@testable import SoftadastraMirror

@Suite struct BarrierPaceTests {
  private let millisecond: UInt64 = 1_000_000

  @Test func theFirstIsDueAtOnce() {
    let pace = BarrierPace()
    #expect(pace.isDue(0, changes: 1))
    #expect(pace.isDue(0, changes: BarrierPace.fewChanges + 1))
  }

  @Test func fewChangesRestAMultipleOfWhatTheLastTook() {
    var pace = BarrierPace()
    pace.ended(at: 105 * millisecond, startedAt: 100 * millisecond)
    let due = (105 + 5 * BarrierPace.restFactor) * millisecond
    #expect(!pace.isDue(due - 1, changes: BarrierPace.fewChanges))
    #expect(pace.isDue(due, changes: BarrierPace.fewChanges))
    // One that took for ever does not make the next one wait for ever.
    pace.ended(at: 60_000 * millisecond, startedAt: 0)
    #expect(pace.dueAt(1) == 60_000 * millisecond + BarrierPace.maxRestNanoseconds)
  }

  @Test func aBurstRestsLongUnlessItIsLarge() {
    var pace = BarrierPace()
    pace.ended(at: 0, startedAt: 0)
    let few = BarrierPace.fewChanges
    #expect(!pace.isDue(BarrierPace.maxRestNanoseconds - 1, changes: few + 1))
    #expect(pace.isDue(BarrierPace.maxRestNanoseconds, changes: few + 1))
    #expect(pace.isDue(1, changes: BarrierPace.maxChanges))
  }
}
