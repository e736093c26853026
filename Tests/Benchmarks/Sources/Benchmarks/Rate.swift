import Yardsticks

/// Work done in a time.
struct Rate {
  let units: Double
  let seconds: Double
  var perSecond: Double { units / max(seconds, 1e-9) }

  /// Times the closure; `units` is what it gets done.
  static func of(_ units: Int, _ body: () throws -> Void) rethrows -> Rate {
    Rate(units: Double(units), seconds: try Stopwatch.seconds(body))
  }
}
