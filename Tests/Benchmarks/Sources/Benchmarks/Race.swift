import Benchmark

/// One of our mechanisms beside a yardstick that does comparable work in the same moment.
///
/// What counts is the quotient of both rates: whatever else the machine does meanwhile slows both.
struct Race {
  let name: String
  let yardstick: String
  /// What the units are, for people.
  let unit: String
  /// Prepares both lanes; called once, and only if the race is run.
  let prepare: () throws -> (ours: () throws -> Rate, yardstick: () throws -> Rate)

  init(
    _ name: String, against yardstick: String, in unit: String,
    _ prepare: @escaping () throws -> (ours: () throws -> Rate, yardstick: () throws -> Rate)
  ) {
    self.name = name
    self.yardstick = yardstick
    self.unit = unit
    self.prepare = prepare
  }

  private static let ratio = BenchmarkMetric.custom(
    "ratio, thousandths", polarity: .prefersLarger, useScalingFactor: false)

  /// Registers the race with the benchmark package, which decides how many laps it takes.
  func register(laps: Int, limit: Duration, in results: Results) {
    let lanes = Lanes(self)
    Benchmark(
      name,
      configuration: Benchmark.Configuration(
        metrics: [.wallClock, Self.ratio], warmupIterations: 1, maxDuration: limit, maxIterations: laps)
    ) { benchmark in
      do {
        // In turn first and second, so that neither always finds the caches of the other.
        let isFirst = benchmark.currentIteration % 2 == 0
        let early = isFirst ? nil : try lanes.ready().yardstick()
        benchmark.startMeasurement()
        let ours = try lanes.ready().ours()
        benchmark.stopMeasurement()
        let yardstick = try early ?? lanes.ready().yardstick()
        let lap = Lap(ours: ours.perSecond, yardstick: yardstick.perSecond)
        benchmark.measurement(Self.ratio, Int(lap.ratio * 1000))
        results.add(self, lap)
      } catch {
        results.fail(self, error)
        benchmark.error("\(error)")
      }
    } teardown: {
      lanes.end()
    }
  }

  /// More laps, after all others, for a race that lost: it may have been disturbed.
  func again(laps: Int) throws -> [Lap] {
    let lanes = try prepare()
    return try (0..<laps).map { _ in
      let ours = try lanes.ours()
      return Lap(ours: ours.perSecond, yardstick: try lanes.yardstick().perSecond)
    }
  }

  private final class Lanes {
    private let race: Race
    private var prepared: (ours: () throws -> Rate, yardstick: () throws -> Rate)?
    init(_ race: Race) { self.race = race }

    func ready() throws -> (ours: () throws -> Rate, yardstick: () throws -> Rate) {
      if let prepared { return prepared }
      let fresh = try race.prepare()
      prepared = fresh
      return fresh
    }

    func end() { prepared = nil }
  }
}

/// Both rates of one lap, in units a second.
struct Lap {
  let ours: Double
  let yardstick: Double
  var ratio: Double { ours / max(yardstick, 1e-9) }
}
