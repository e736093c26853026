/// When a scan goes on, and how many directories its next step compares. Pure.
///
/// Not before the rest was looked at, so that a directory is recorded before what is in it.
/// Few while they are full of changes, so that what is looked at together lies together, and what waits to be looked at
/// does not grow with the tree; many while there is nothing new.
struct ScanWidth: Sendable {
  static let bounds = 8...256
  /// Paths to look at that one step should find.
  static let aim = FolderMirror.observeBatch
  static let aimAlone = 4 * aim

  /// What changes all the time does not hold up a scan for more passes than this, nor for longer: one large file that is
  /// written to without end makes each pass long.
  static let maxPasses = 16
  static let maxHeldNanoseconds: UInt64 = 2_000_000_000

  private(set) var directories = 16
  /// Directories that one worker compares at a time.
  var slice: Int { max(1, directories / 16) }
  private var passes = 0
  private var heldSince: UInt64?

  /// - Parameters:
  ///   - waiting: paths that are still to be looked at.
  ///   - now: monotonic nanoseconds.
  mutating func isDue(waiting: Int, now: UInt64) -> Bool {
    passes += 1
    let isHeldLong = heldSince.map { now - $0 > Self.maxHeldNanoseconds } ?? false
    guard waiting == 0 || passes > Self.maxPasses || isHeldLong else {
      heldSince = heldSince ?? now
      return false
    }
    passes = 0
    heldSince = nil
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
