import Glibc
import Simulation

/// Runs simulations, one seed each. It fails if more seeds fail than are tolerated; see `Options.usage`.
@main
struct SimulatorCommand {
  static func main() {
    makeHashingDeterministic()
    let options = Options(CommandLine.arguments.dropFirst())
    if options.mistakes {
      MistakeHunt(limit: options.limit).all()
    } else if let mistake = options.hunted {
      MistakeHunt(limit: options.limit).one(mistake)
    } else if let seed = options.seed {
      replay(seed, options)
    } else {
      series(options)
    }
  }

  /// Sets and dictionaries must have the same order in every run: the process starts itself again if they do not.
  private static func makeHashingDeterministic() {
    guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", arguments)
    fatalError("cannot start again: \(errno)")
  }

  private static func configuration(_ seed: UInt64, _ options: Options) -> Simulation.Configuration {
    var configuration = Simulation.Configuration(seed: seed)
    if let operations = options.operations { configuration.operations = operations }
    if let troubles = options.troubles { configuration.troubles = troubles }
    configuration.mistake = options.mistake.flatMap { MistakeHunt.mistake(named: $0) }
    return configuration
  }

  private static func replay(_ seed: UInt64, _ options: Options) {
    var outcome = Simulation(configuration(seed, options)).run()
    if outcome.failure != nil, options.shrinks {
      let shrinking = Shrinking(configuration(seed, options))
      outcome = shrinking.shortest()
    }
    for line in outcome.trace { print(line) }
    print("seed \(seed): \(outcome.failure ?? "all invariants hold"), \(outcome.steps) steps")
    exit(outcome.failure == nil ? 0 : 1)
  }

  private static func series(_ options: Options) {
    var failed = 0
    var counts: [String: Int] = [:]
    let begun = monotonicSeconds()
    for seed in options.from..<(options.from + options.seeds) {
      let outcome = Simulation(configuration(seed, options)).run()
      counts.merge(outcome.counts, uniquingKeysWith: +)
      if let failure = outcome.failure {
        failed += 1
        print("seed \(seed): \(failure)")
        fflush(nil)
        if failed >= options.maxFailures { break }
      }
    }
    let seconds = monotonicSeconds() - begun
    for (what, times) in counts.sorted(by: { $0.key < $1.key }) { print("  \(times)  \(what)") }
    print("\(options.seeds) seeds in \(Int(seconds)) s, \(Int(Double(options.seeds) / seconds * 60)) a minute")
    print("\(Int(options.seeds) - failed) passed, \(failed) failed")
    var isComplete = true
    if options.requiresAll {
      for situation in Situation.allCases
      where counts[situation.rawValue, default: 0] == 0
        && Situation.isExpected(situation, with: options.troubles ?? Trouble.usual)
      {
        print("never occurred: \(situation.rawValue)")
        isComplete = false
      }
    }
    exit(failed <= options.tolerated && isComplete ? 0 : 1)
  }

  private static func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}
