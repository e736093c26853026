public import SoftadastraFS

extension HeldAttributes {
  /// What becomes of a time: the step before it, in range.
  public func shown(_ modified: Int64) -> Int64 {
    let nearest = min(max(modified, times.lowerBound), times.upperBound)
    let rest = nearest % timeStep
    return nearest - (rest < 0 ? rest + timeStep : rest)
  }
}
