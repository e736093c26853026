/// Seconds that a piece of work takes.
public enum Stopwatch {
  public static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return seconds(since: start)
  }

  public static func seconds(since start: ContinuousClock.Instant) -> Double {
    let taken = start.duration(to: .now).components
    return Double(taken.seconds) + Double(taken.attoseconds) / 1e18
  }
}
