public import SoftadastraFS

extension HeldAttributes {
  /// As a small USB stick has them: no permissions, two seconds, 1980 to 2107.
  public static let exFAT = HeldAttributes(
    permissions: false, timeStep: 2_000_000_000,
    times: 315_532_800_000_000_000...4_354_819_198_000_000_000)

  /// What becomes of a time: the step before it, in range.
  public func shown(_ modified: Int64) -> Int64 {
    let nearest = min(max(modified, times.lowerBound), times.upperBound)
    let rest = nearest % timeStep
    return nearest - (rest < 0 ? rest + timeStep : rest)
  }
}
