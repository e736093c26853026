/// Looks for a shorter history that fails: leaves out ever smaller parts of the user's actions.
public struct Shrinking {
  private let configuration: Simulation.Configuration

  public init(_ configuration: Simulation.Configuration) { self.configuration = configuration }

  public func shortest(attempts: Int = 400) -> Simulation.Outcome {
    var kept = Set(1...configuration.operations * 4)
    var best = run(kept)
    var left = attempts
    var size = kept.count / 2
    while size >= 1, left > 0 {
      var isSmaller = false
      let ordered = kept.sorted()
      for start in stride(from: 0, to: ordered.count, by: size) where left > 0 {
        let candidate = kept.subtracting(ordered[start..<min(start + size, ordered.count)])
        left -= 1
        let outcome = run(candidate)
        if outcome.failure != nil {
          kept = candidate
          best = outcome
          isSmaller = true
        }
      }
      if !isSmaller || size > 1 { size /= 2 }
    }
    return best
  }

  private func run(_ kept: Set<Int>) -> Simulation.Outcome {
    var shorter = configuration
    shorter.kept = kept
    return Simulation(shorter).run()
  }
}
