/// Which of a file's attributes a filesystem can hold: FAT and exFAT have no permissions, and times of ten milliseconds or
/// two seconds within some decades; other old formats count whole seconds.
///
/// What it cannot hold is nobody's edit. So what lies on the disk is compared with what is recorded as far as it can show
/// that. Pure; `LinuxVolume` measures it in the staging area.
public struct HeldAttributes: Sendable, Hashable {
  public var permissions: Bool
  /// Times are multiples of so many nanoseconds; of `.max` where none is kept.
  public var timeStep: Int64
  /// Nanoseconds since 1970; what lies outside becomes the nearest of them.
  public var times: ClosedRange<Int64>

  public init(permissions: Bool, timeStep: Int64, times: ClosedRange<Int64>) {
    self.permissions = permissions
    self.timeStep = timeStep
    self.times = times
  }

  /// Everything, as it is.
  public static let all = HeldAttributes(permissions: true, timeStep: 1, times: .min ... .max)

  /// Whether a file that was given the time `modified` may have the time `shown` here.
  public func shows(_ modified: Int64, as shown: Int64) -> Bool {
    if modified == shown { return true }
    let nearest = min(max(modified, times.lowerBound), times.upperBound)
    let (difference, isFar) = nearest.subtractingReportingOverflow(shown)
    return !isFar && difference.magnitude < UInt64(timeStep)
  }

  /// What the oldest FAT holds.
  public static let fat = HeldAttributes(permissions: false, timeStep: 2_000_000_000, times: .min ... .max)
    .withLimitsOfFAT

  // MARK: Measuring

  /// 1980 to 2107, to the step.
  private static let timesOfFAT: ClosedRange<Int64> = 315_532_800_000_000_000...4_354_819_199_999_999_999
  private static let stepsOfFAT: ClosedRange<Int64> = 10_000_000...2_000_000_000

  /// With the limits of FAT and exFAT where it is one of them: some show what is outside until they are mounted again.
  var withLimitsOfFAT: HeldAttributes {
    guard !permissions, Self.stepsOfFAT.contains(timeStep) else { return self }
    var limited = self
    limited.times = times.clamped(to: Self.timesOfFAT)
    return limited
  }

  /// The time that tells steps apart: each leaves another rest of it.
  static let probedTime: Int64 = 1_000_000_001_987_654_321
  private static let steps: [Int64] = [1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000]

  /// The step of a filesystem on which `probedTime` became `shown`.
  static func timeStep(showing shown: Int64) -> Int64 {
    let (difference, isFar) = probedTime.subtractingReportingOverflow(shown)
    guard !isFar else { return .max }
    return steps.first { difference.magnitude < UInt64($0) } ?? .max
  }
}
