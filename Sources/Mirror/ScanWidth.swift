/// When a scan goes on, and how many directories its next step compares. Pure.
///
/// Not before everything else was looked at, so that a directory is recorded before what is in it.
/// Few while they are full of changes, so that what is looked at together lies together, and what waits to be looked at
/// does not grow with the tree; many while there is nothing new.
struct ScanWidth: Sendable {
  static let bounds = 8...256
  /// Paths to look at that one step should find.
  static let aim = FolderMirror.observeBatch
  static let aimAlone = 4 * aim

  /// What changes all the time does not hold up a scan for more passes than this.
  static let maxPasses = 16

  private(set) var directories = 16
  /// Directories that one worker compares at a time.
  var slice: Int { max(1, directories / 16) }
  private var passes = 0
  /// At the last pass, since the last step.
  private var waitedBefore = Int.max

  /// - Parameter waiting: paths that are still to be looked at.
  mutating func isDue(waiting: Int) -> Bool {
    passes += 1
    // So many are looked at in one pass: what waits now has come since.
    let areLookedAt = waiting == 0 || waitedBefore <= FolderMirror.observeBatch
    guard areLookedAt || passes > Self.maxPasses else {
      waitedBefore = waiting
      return false
    }
    passes = 0
    waitedBefore = .max
    return true
  }

  /// - Parameters:
  ///   - candidates: of the whole step.
  ///   - isAlone: nobody is to be sent what is read before it has to make room for more.
  mutating func found(_ candidates: Int, isAlone: Bool) {
    let aim = isAlone ? Self.aimAlone : Self.aim
    if candidates > aim {
      directories = max(Self.bounds.lowerBound, directories / 2)
    } else if candidates < aim / 4 {
      directories = min(Self.bounds.upperBound, directories * 2)
    }
  }
}
