/// The laps of all races, and what they come to beside the stored thresholds.
final class Results {
  private var laps: [String: [Lap]] = [:]
  private var races: [Race] = []
  private var failures: [(race: Race, error: any Error)] = []

  func add(_ race: Race, _ lap: Lap) {
    if laps[race.name] == nil { races.append(race) }
    laps[race.name, default: []].append(lap)
  }

  /// A race that could not be run. The benchmark package then leaves out those behind it.
  func fail(_ race: Race, _ error: any Error) { failures.append((race, error)) }

  /// Prints the table. True if every race that was run has a threshold and kept it.
  func judge(_ thresholds: Thresholds) throws -> Bool {
    print("| benchmark | unit/s | yardstick | its unit/s | ratio | at least | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    var isGood = !races.isEmpty
    for race in races {
      // The first lap only warmed up.
      var counted = Array(laps[race.name, default: []].dropFirst())
      if counted.isEmpty { counted = laps[race.name, default: []] }
      let wanted = thresholds[race.name]
      if let wanted, Self.median(counted.map(\.ratio)) < wanted {
        counted = try race.again(laps: 2 * counted.count + 3)
      }
      let ratio = Self.median(counted.map(\.ratio))
      let holds = wanted.map { ratio >= $0 } ?? false
      isGood = isGood && holds
      let row = [
        race.name, Self.figure(Self.median(counted.map(\.ours))) + " " + race.unit, race.yardstick,
        Self.figure(Self.median(counted.map(\.yardstick))), Self.figure(ratio),
        wanted.map(Self.figure) ?? "none stored",
        holds ? "" : "BROKEN",
      ]
      print("| " + row.joined(separator: " | ") + " |")
    }
    for failure in failures { print("\(failure.race.name): \(failure.error)") }
    return isGood && failures.isEmpty
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// Three significant digits.
  static func figure(_ value: Double) -> String {
    for (factor, suffix) in [(1e9, " G"), (1e6, " M"), (1e3, " k")] where value >= factor {
      return digits(value / factor) + suffix
    }
    return digits(value)
  }

  private static func digits(_ value: Double) -> String {
    if value >= 100 { return "\(Int(value.rounded()))" }
    let places = value >= 10 ? 10.0 : value >= 1 ? 100.0 : 10_000.0
    return "\((value * places).rounded() / places)"
  }
}
