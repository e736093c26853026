import SoftadastraFS
import Testing

@testable import SoftadastraMirror

@Suite struct SpaceGaugeTests {
  @Test func whatDoesNotFitIsLeftOutAndSmallerGoesOn() {
    var gauge = SpaceGauge(minFreePercent: 1)
    #expect(gauge.needsMeasuring(now: 0))
    let unmeasured = gauge.admits(.max)
    #expect(unmeasured)
    // 1 % of 1000 blocks stay free: 90 of the 100 are to be had.
    gauge.measured(VolumeSpace(free: 100 * 4096, total: 1000 * 4096), outstanding: 0, now: 5)
    let sizes: [UInt64] = [91 * 4096, 40 * 4096, 51 * 4096, 50 * 4096 - 1, 1, 0, .max]
    let answers = sizes.map { gauge.admits($0) }
    #expect(answers == [false, true, false, true, false, true, false])
  }

  @Test func whatIsUnderWayCounts() {
    var gauge = SpaceGauge(minFreePercent: 0)
    gauge.measured(VolumeSpace(free: 100 * 4096, total: 0), outstanding: 99 * 4096, now: 5)
    var answers = [4096, 1].map { gauge.admits($0) }
    #expect(answers == [true, false])
    // More under way than there is.
    gauge.measured(VolumeSpace(free: 4096, total: 0), outstanding: 99 * 4096, now: 5)
    answers = [1].map { gauge.admits($0) }
    #expect(answers == [false])
  }

  @Test func aMeasurementCountsForAWhile() {
    var gauge = SpaceGauge(minFreePercent: 1)
    gauge.measured(VolumeSpace(free: 100 * 4096, total: 100 * 4096), outstanding: 0, now: 5)
    #expect(!gauge.needsMeasuring(now: 5 + SpaceGauge.maxAgeNanoseconds))
    #expect(gauge.needsMeasuring(now: 6 + SpaceGauge.maxAgeNanoseconds))
    _ = gauge.admits(60 * 4096)
    #expect(gauge.needsMeasuring(now: 6))
  }
}
