import Foundation
import TestSupport

/// Somebody who puts values on one machine, with the command line, whether its node runs or not.
///
/// What a command that ended with 0 put must be there in the end, or what a later one put; of a command that failed or
/// was killed nothing is known.
actor ValueUser {
  struct Expectation {
    /// Nil: the key may be absent.
    var values: [String?] = [nil]
  }

  private static let keys = 6
  private let node: CrashNode
  private let trace: Trace
  private var random: SeededRandom
  private var number = 0
  private var isStopping = false
  private var task: Task<Void, Never>?
  /// Of keys that only this machine puts.
  private(set) var own: [String: Expectation] = [:]
  /// Every value that was tried for a key of both machines.
  private(set) var shared: [String: Set<String>] = [:]
  private(set) var acknowledged = 0

  init(_ node: CrashNode, seed: UInt64, trace: Trace) {
    self.node = node
    self.trace = trace
    random = SeededRandom(seed: seed)
  }

  func start() {
    isStopping = false
    task = Task {
      while !isStopping {
        await step()
        try? await Task.sleep(for: .milliseconds(random.below(150)))
      }
    }
  }

  func stop() async {
    isStopping = true
    await task?.value
    task = nil
  }

  private func step() async {
    number += 1
    let isShared = random.below(4) == 0
    let key = isShared ? "both/\(random.below(3))" : "\(node.name)/\(random.below(Self.keys))"
    let isRemoval = !isShared && random.below(8) == 0
    var value = "value \(number) of \(node.name)"
    if random.below(10) == 0 { value += String(repeating: " and more", count: random.below(2000)) }
    if isShared {
      shared[key, default: []].insert(value)
    } else {
      own[key, default: Expectation()].values.append(isRemoval ? nil : value)
    }
    // While a node runs, a command that was killed may still be carried out by it later.
    let mayKill = await node.isDown && random.below(3) == 0
    let arguments = isRemoval ? ["store", "remove", key] : ["store", "put", key, value]
    let outcome = try? await node.run(arguments, killAfterMicroseconds: mayKill ? random.below(30_000) : nil)
    trace.add(node.name, "\(isRemoval ? "remove" : "put") \(key) \(number): \(outcome?.code ?? -1)")
    guard outcome?.code == 0, !isShared else { return }
    acknowledged += 1
    own[key] = Expectation(values: [isRemoval ? nil : value])
  }

  /// What is there now is what counts from here on.
  func settle(_ key: String, _ value: String?) { own[key] = Expectation(values: [value]) }
}
