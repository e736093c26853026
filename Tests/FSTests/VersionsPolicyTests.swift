import SoftadastraCore
import SoftadastraFS
import Testing

@Suite struct VersionsPolicyTests {
  private let now = UTCTime(secondsSince1970: 2_000_000_000)

  private func kept(_ ages: [Int64], _ policy: VersionsPolicy = VersionsPolicy()) -> [Int64] {
    let times = ages.map { UTCTime(secondsSince1970: now.secondsSince1970 - $0) }
    let removed = Set(policy.surplus(times, now: now))
    return ages.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
  }

  @Test func oneInThirtySecondsOfTheLastHour() {
    #expect(kept([0, 10, 20, 29, 30, 31, 60, 90]) == [0, 30, 60, 90])
  }

  @Test func theNewestStaysHoweverClose() {
    #expect(kept([0, 10, 20]) == [0, 20])
    #expect(kept([18_000, 18_001]) == [18_000, 18_001])
  }

  @Test func fewerTheOlder() {
    let day: Int64 = 86_400
    #expect(kept([7200, 9000, 10_800]) == [7200, 10_800])
    let days: [Int64] = [2 * day, 2 * day + 3600, 3 * day]
    #expect(kept(days) == [days[0], days[2]])
    let weeks: [Int64] = [40 * day, 41 * day, 47 * day]
    #expect(kept(weeks) == [weeks[0], weeks[2]])
  }

  @Test func theAgeEndsIt() {
    let day: Int64 = 86_400
    let ages: [Int64] = [day, 364 * day, 366 * day]
    #expect(kept(ages) == [ages[0], ages[1]])
    #expect(kept(ages, VersionsPolicy(maxAgeSeconds: 0)) == [ages[0], ages[2]])
  }

  /// A version a minute for two years, thinned out every hour as a node does: neither too many nor a gap.
  @Test func aYearOfMinutesThinsOut() {
    var times: [UTCTime] = []
    let policy = VersionsPolicy()
    let start: Int64 = 1_900_000_000
    for hour in 0..<(24 * 400) {
      let base = start + Int64(hour) * 3600
      times += (0..<60).map { UTCTime(secondsSince1970: base + $0 * 60) }
      let removed = Set(policy.surplus(times, now: UTCTime(secondsSince1970: base + 3600)))
      times = times.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
    }
    #expect((150...250).contains(times.count), "\(times.count)")
    let gaps = zip(times, times.dropFirst()).map { $1.secondsSince1970 - $0.secondsSince1970 }
    #expect((gaps.max() ?? 0) <= 14 * 86_400)
  }

  /// Set ahead, times in the future must not push the others out, nor be lost.
  @Test func timesAheadCountAsNow() {
    #expect(kept([-1_000_000_000, 0, 60]) == [-1_000_000_000, 0, 60])
    #expect(kept([-1_000_000_000, -5, 0, 60]) == [-1_000_000_000, 0, 60])
  }

  @Test func theClockDoesNotJumpAhead() {
    let day = AgingClock.maxStepSeconds
    func after(_ seconds: Int64) -> UTCTime { UTCTime(secondsSince1970: now.secondsSince1970 + seconds) }
    #expect(AgingClock.now(recorded: nil, elapsedSeconds: nil, wall: now) == now)
    #expect(AgingClock.now(recorded: now, elapsedSeconds: 3600, wall: after(9 * 365 * day)) == after(3600))
    #expect(AgingClock.now(recorded: now, elapsedSeconds: nil, wall: after(9 * 365 * day)) == after(day))
    #expect(AgingClock.now(recorded: now, elapsedSeconds: nil, wall: after(60)) == after(60))
    #expect(AgingClock.now(recorded: after(100), elapsedSeconds: 5, wall: now) == now)
    #expect(AgingClock.now(recorded: now, elapsedSeconds: -5, wall: after(9)) == now)
  }
}
