import Benchmark
import Foundation
import Glibc

/// Runs the races and checks their ratios. Arguments are those of the benchmark package, such as `--filter REGEX`.
///
/// SOFTADASTRA_BENCHMARK_LAPS sets how many laps a race takes at most (15); SOFTADASTRA_BENCHMARK_DETAILS=1 shows the
/// benchmark package's own histograms too. Ends with 1 if a ratio is below its threshold.
@main
struct BenchmarkProgram {
  /// Read from the directory above `Tests`, where the scripts run this program.
  static let thresholdsFile = "Tests/Benchmarks/Thresholds.txt"

  static var races: [Race] {
    var races = ContentRaces.all + FolderRaces.all + LogRaces.all + StoreRaces.all + EngineRaces.all
    #if TRANSPORT
      races += FrameRaces.all
    #endif
    return races
  }

  static func main() async throws {
    let environment = ProcessInfo.processInfo.environment
    let laps = environment["SOFTADASTRA_BENCHMARK_LAPS"].flatMap { Int($0) } ?? 15
    let thresholds = try Thresholds(file: thresholdsFile)
    let results = Results()
    for race in races { race.register(laps: laps, limit: .seconds(laps), in: results) }
    let silence = environment["SOFTADASTRA_BENCHMARK_DETAILS"] == nil ? Silence() : nil
    let nothing: @Sendable () -> Void = {}
    await BenchmarkRunner.setupBenchmarkRunner(registerBenchmarks: nothing)
    silence?.end()
    if try !results.judge(thresholds) {
      print("ratios are below Tests/Benchmarks/Thresholds.txt, or nothing was measured")
      exit(1)
    }
  }
}

/// Keeps the benchmark package's histograms off the standard output.
final class Silence {
  private let output = dup(1)

  init() {
    fflush(nil)
    let nowhere = open("/dev/null", O_WRONLY)
    dup2(nowhere, 1)
    close(nowhere)
  }

  func end() {
    fflush(nil)
    dup2(output, 1)
    close(output)
  }
}
