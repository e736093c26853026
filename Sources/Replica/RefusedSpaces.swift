internal import SoftadastraSync

/// The spaces of one peer of which something came that could not be recorded, and when to ask for it again.
///
/// The peer would send it again by itself, but it waits longer each time, and cannot know when there is room here. Pure.
struct RefusedSpaces {
  /// A log that stays full is tried this often at least.
  static let maxTicks = 12

  private var spaces: Set<SpaceID> = []
  private var failures = 0
  private var ticksLeft = 0

  var isEmpty: Bool { spaces.isEmpty }

  /// It came before the group's records.
  mutating func postpone(_ space: SpaceID) { spaces.insert(space) }

  /// The log did not take it: asked for at the next tick, and later each time that it fails again.
  mutating func refuse(_ space: SpaceID) {
    spaces.insert(space)
    guard ticksLeft == 0 else { return }
    ticksLeft = min(1 << min(failures, 8), Self.maxTicks)
    failures += 1
  }

  /// The log takes records (again).
  mutating func recorded() {
    failures = 0
    ticksLeft = 0
  }

  /// Whether something may be asked for now. Once a tick.
  mutating func tick() -> Bool {
    ticksLeft = max(0, ticksLeft - 1)
    return ticksLeft == 0 && !spaces.isEmpty
  }

  /// What to ask for: without the group's records nothing else would be recorded.
  mutating func take(groupOnly: Bool) -> [SpaceID] {
    let taken = groupOnly ? spaces.intersection([.group]) : spaces
    spaces.subtract(taken)
    return taken.sorted { a, _ in a == .group }
  }
}
