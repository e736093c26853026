/// For how long nothing has happened at a node, in ticks, and what that is a reason for.
struct Quiet {
  static let tickPause = Duration.seconds(5)
  private static let ticksUntilRest = 2
  private static let ticksOfGivingBack = [1, 2, 7]
  /// Ticks left out at rest: nothing is due soon, and each costs a laptop power.
  private static let ticksLeftOut = 2

  private var ticks = 0
  private var settled: UInt64?

  /// - Parameter activity: grows with everything that happens.
  mutating func tick(_ activity: UInt64) {
    defer { settled = activity }
    ticks = settled == activity ? ticks + 1 : 0
  }

  var isQuiet: Bool { ticks > 0 }
  /// What is worth doing once, after each burst.
  var hasJustBegun: Bool { ticks == 1 }
  /// After 5, 10 and about 85 quiet seconds: what was under way at first leaves free memory, too.
  var givesMemoryBack: Bool { Self.ticksOfGivingBack.contains(ticks) }
  /// The next tick comes so many ticks later.
  var leavesOut: Int { ticks >= Self.ticksUntilRest ? Self.ticksLeftOut : 0 }
}
