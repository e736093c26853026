/// How many directories the next step of a scan compares. Pure.
///
/// Few while they are full of changes, so that what is looked at together lies together, and what waits to be looked at
/// does not grow with the tree; many while there is nothing new.
struct ScanWidth: Sendable {
  static let bounds = 8...256
  /// Paths to look at that one step should find.
  static let aim = 1024

  private(set) var directories = 64

  mutating func found(_ candidates: Int) {
    if candidates > Self.aim {
      directories = max(Self.bounds.lowerBound, directories / 2)
    } else if candidates < Self.aim / 4 {
      directories = min(Self.bounds.upperBound, directories * 2)
    }
  }
}
