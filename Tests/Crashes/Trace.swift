import Glibc
import Synchronization

/// What happened, with times: kept in memory and written out when something is wrong.
final class Trace: Sendable {
  private let lines = Mutex<[String]>([])
  private let begun = Trace.now()

  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  func add(_ who: String, _ what: String) {
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    let millisecond = wall.tv_nsec / 1_000_000
    let stamp = "\(wall.tv_sec % 100_000).\(String(String(1000 + millisecond).dropFirst()))"
    lines.withLock { $0.append("\(stamp) \(who): \(what)") }
  }

  func write(to path: String) {
    guard let file = fopen(path, "w") else { return }
    defer { fclose(file) }
    for line in lines.withLock({ $0 }) { fputs(line + "\n", file) }
  }
}
