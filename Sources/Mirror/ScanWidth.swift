/// When a scan goes on, and how many directories its next step compares. Pure.
///
/// Few while they are full of changes, so that what is looked at together lies together, and what waits to be looked at
/// does not grow with the tree; many while there is nothing new.
struct ScanWidth: Sendable {
  static let bounds = 8...256
  /// Paths to look at that one step should find.
  static let aim = FolderMirror.observeBatch

  /// What changes all the time does not hold up a scan for more passes than this.
  static let maxPasses = 16

  private(set) var directories = 64
  private var passes = 0

  /// - Parameter waiting: paths that are still to be looked at.
  mutating func isDue(waiting: Int) -> Bool {
    passes += 1
    guard waiting < Self.aim || passes > Self.maxPasses else { return false }
    passes = 0
    return true
  }

  /// - Parameter candidates: of the whole step.
  mutating func found(_ candidates: Int) {
    if candidates > Self.aim {
      directories = max(Self.bounds.lowerBound, directories / 2)
    } else if candidates < Self.aim / 4 {
      directories = min(Self.bounds.upperBound, directories * 2)
    }
  }
}
