public import SoftadastraCore

/// Which earlier versions of a file are kept: more of the recent past, fewer of the distant. Pure.
///
/// | versions that left the folder | are kept at least so far apart |
/// | ----------------------------- | ------------------------------ |
/// | in the last hour              | 30 seconds                     |
/// | in the last day               | one hour                       |
/// | in the last 30 days           | one day                        |
/// | before                        | one week                       |
///
/// until they are as old as `maxAgeSeconds`. The oldest of a file's versions within that age always stays: it is what
/// the others are spaced from. So does the newest, however close: of a file that was deleted it is all there is.
public struct VersionsPolicy: Sendable, Hashable {
  /// A year.
  public static let defaultMaxAgeSeconds: Int64 = 365 * 86_400
  public static let defaultMaxBytes: UInt64 = 10 << 30

  /// Older ones go. 0 keeps them however old they are.
  public var maxAgeSeconds: Int64
  /// Of all versions of a folder together; the oldest go first. 0 is no limit.
  public var maxBytes: UInt64

  public init(
    maxAgeSeconds: Int64 = VersionsPolicy.defaultMaxAgeSeconds, maxBytes: UInt64 = VersionsPolicy.defaultMaxBytes
  ) {
    self.maxAgeSeconds = maxAgeSeconds
    self.maxBytes = maxBytes
  }

  /// Up to this age, versions are this far apart.
  struct Step: Sendable {
    let upToSeconds: Int64
    let apartSeconds: Int64
  }

  static let steps = [
    Step(upToSeconds: 3600, apartSeconds: 30), Step(upToSeconds: 86_400, apartSeconds: 3600),
    Step(upToSeconds: 30 * 86_400, apartSeconds: 86_400), Step(upToSeconds: .max, apartSeconds: 7 * 86_400),
  ]

  /// Of two versions closer than this, one goes as soon as a newer one is there.
  public static var leastSecondsApart: Int64 { steps[0].apartSeconds }

  private func apart(at age: Int64) -> Int64 {
    Self.steps.first { age <= $0.upToSeconds }?.apartSeconds ?? Self.steps[0].apartSeconds
  }

  /// Of one file's versions, the indices of those to be removed.
  ///
  /// - Parameters:
  ///   - times: when each left the folder, in any order. A time ahead of `now` counts as now.
  public func surplus(_ times: [UTCTime], now: UTCTime) -> [Int] {
    var removed: [Int] = []
    var last: Int64?
    let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    for index in order {
      let time = min(times[index].secondsSince1970, now.secondsSince1970)
      let age = now.secondsSince1970 - time
      if maxAgeSeconds > 0, age > maxAgeSeconds {
        removed.append(index)
      } else if let last, time - last < apart(at: age), index != order.last {
        removed.append(index)
      } else {
        last = time
      }
    }
    return removed
  }
}

/// The clock that versions age by: it follows the wall clock, but does not jump ahead with it.
///
/// A wall clock that is set years ahead must not make every version too old at once. So the clock advances by what has
/// really passed while the program ran, and by at most `maxStepSeconds` over the time it did not run; behind it stays
/// behind, which keeps versions longer. A wall clock that went back is followed at once.
public struct AgingClock: Sendable, Hashable {
  /// A day at each start: a machine that is switched on daily loses nothing.
  public static let maxStepSeconds: Int64 = 86_400

  /// - Parameters:
  ///   - recorded: what it showed when it was last asked; nil at first.
  ///   - elapsedSeconds: what has passed since, by a clock that cannot be set; nil if that was in another run.
  public static func now(recorded: UTCTime?, elapsedSeconds: Int64?, wall: UTCTime) -> UTCTime {
    guard let recorded, wall > recorded else { return wall }
    let step = max(0, elapsedSeconds ?? maxStepSeconds)
    return min(wall, UTCTime(secondsSince1970: recorded.secondsSince1970 + step))
  }
}
