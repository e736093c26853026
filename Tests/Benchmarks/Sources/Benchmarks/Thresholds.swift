import Foundation

/// The least ratio that each race must reach, as stored in `Tests/Benchmarks/Thresholds.txt`.
///
/// A line is a ratio, white space and the race's name; `#` begins a comment.
struct Thresholds {
  private var ratios: [String: Double] = [:]

  init(file: String) throws {
    for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
      guard parts.count == 2, let ratio = Double(parts[0]) else { throw Malformed(line: String(line)) }
      ratios[parts[1].trimmingCharacters(in: .whitespaces)] = ratio
    }
  }

  struct Malformed: Error { let line: String }

  subscript(name: String) -> Double? { ratios[name] }
}
