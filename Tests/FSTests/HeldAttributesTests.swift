import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

@Suite struct HeldAttributesTests {
  @Test(arguments: [
    (Int64(1), Int64(1)), (7, 100), (100, 100), (1_000, 1_000), (1_000_000, 1_000_000), (10_000_000, 10_000_000),
    (1_000_000_000, 1_000_000_000), (2_000_000_000, 2_000_000_000),
  ])
  func aStepIsTold(step: Int64, told: Int64) {
    let held = HeldAttributes(permissions: true, timeStep: step, times: .min ... .max)
    #expect(HeldAttributes.timeStep(showing: held.shown(HeldAttributes.probedTime)) == told)
  }

  /// A filesystem may also round to the nearest step.
  @Test func roundedUp() {
    let shown = HeldAttributes.probedTime - HeldAttributes.probedTime % 1_000_000_000 + 1_000_000_000
    #expect(HeldAttributes.timeStep(showing: shown) >= 1_000_000_000 / 10)
    #expect(HeldAttributes.timeStep(showing: shown) > HeldAttributes.probedTime.distance(to: shown))
  }

  /// The time of the call instead of the one that was asked for.
  @Test func noTimeIsKept() {
    let step = HeldAttributes.timeStep(showing: 1_796_000_000_000_000_000)
    #expect(step == .max)
    let held = HeldAttributes(permissions: true, timeStep: step, times: .min ... .max)
    #expect(held.shows(0, as: 1_796_000_000_000_000_000) && held.shows(1_796_000_000_000_000_000, as: -1))
  }

  @Test func whatCannotBeShownIsTheSame() {
    let poor = HeldAttributes.fat
    for modified: Int64 in [
      .min, -1, 0, 1, 315_532_799_999_999_999, 315_532_800_000_000_001, 1_700_000_001_987_654_321,
      4_354_819_199_999_999_999, .max,
    ] {
      #expect(poor.shows(modified, as: poor.shown(modified)), "\(modified)")
      #expect(HeldAttributes.all.shows(modified, as: modified))
    }
    #expect(!poor.shows(1_700_000_000_000_000_000, as: 1_700_000_002_000_000_000))
    #expect(!poor.shows(1_700_000_000_000_000_000, as: 1_699_999_998_000_000_000))
    #expect(!poor.shows(.min, as: .max) && !HeldAttributes.all.shows(1, as: 2))
  }

  /// Some show until the next mount what they cannot keep, and 1980 from then on.
  @Test func whatIsShownForAWhile() {
    let before1980: Int64 = -300_000_000_000_000_000
    for step: Int64 in [10_000_000, 1_000_000_000, 2_000_000_000] {
      let held = HeldAttributes(permissions: false, timeStep: step, times: .min ... .max).withLimitsOfFAT
      #expect(held.shows(before1980, as: before1980) && held.shows(before1980, as: 315_532_800_000_000_000))
    }
    // These can keep it: another time is somebody's.
    for (permissions, step): (Bool, Int64) in [(false, 100), (true, 1_000_000_000)] {
      let held = HeldAttributes(permissions: permissions, timeStep: step, times: .min ... .max).withLimitsOfFAT
      #expect(!held.shows(before1980, as: 315_532_800_000_000_000))
    }
  }

  /// What is measured here is what a file here keeps.
  @Test func measured() throws {
    let directory = TemporaryDirectory()
    let volume = try LinuxVolume(root: directory.path)
    #expect(volume.heldAttributes == .all)
    try volume.prepareStaging()
    let held = volume.heldAttributes
    #expect(held.permissions && held.timeStep <= 1_000_000_000)
    let path = BytePath("file")
    let file = try volume.stage(permissions: 0o604)
    try file.finish(size: 0, permissions: 0o604, modifiedNanoseconds: 1_234_567_891_987_654_321)
    let status = try volume.link(file, at: path)
    #expect(status.permissions == 0o604)
    #expect(held.shows(1_234_567_891_987_654_321, as: status.modifiedNanoseconds))
  }
}
