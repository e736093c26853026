internal import ArgumentParser

/// A time on the command line: `500ms`, `60s`, `5m`, `24h`, `7d`, or a plain number of seconds.
struct TimeSpan: ExpressibleByArgument, Equatable, CustomStringConvertible {
  static let maxSeconds = 10.0 * 366 * 86_400
  var seconds: Double
  private let text: String

  init?(argument: String) {
    let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1)]
    for (unit, factor) in units where argument.hasSuffix(unit) {
      let digits = argument.dropLast(unit.count)
      guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits),
        number.isFinite, number >= 0, number * factor <= Self.maxSeconds
      else { return nil }
      seconds = number * factor
      text = argument
      return
    }
    return nil
  }

  var description: String { text }
  var defaultValueDescription: String { text }
}
