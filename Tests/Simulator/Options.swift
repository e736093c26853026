import Glibc
import Simulation

/// The command's options; anything else ends it.
struct Options {
  var seeds: UInt64 = 100
  var from: UInt64 = 1
  var seed: UInt64?
  var operations: Int?
  var maxFailures = 20
  var tolerated = 0
  var limit: UInt64 = 200
  /// The nodes make this mistake.
  var mistake: String?
  var hunted: String?
  var mistakes = false
  /// Nil for the ordinary mix.
  var troubles: Set<Trouble>?
  var shrinks = false
  var requiresAll = false

  static let usage = """
    usage: softadastra-sim [--seeds N] [--from S] [--tolerate N] [--max-failures N] [--require-all]
           softadastra-sim --seed S [--shrink]
           softadastra-sim --faults [--limit N]
      --require-all     fails if a situation or a kind of fault did not occur
      --seed S          the same run again, with a trace
      --faults          looks for every deliberate fault, until a seed fails that passes without it
      --limit N         seeds that each of them may take
      --fault NAME      runs with this deliberate fault
      --with TROUBLE    in each run: \(Trouble.allCases.map(\.rawValue).joined(separator: ", "))
      --without TROUBLE one of those that every run may have
      --operations N    user actions in each run
    """

  init(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let name = rest.popFirst() {
      switch name {
      case "--shrink": shrinks = true
      case "--require-all": requiresAll = true
      case "--faults": mistakes = true
      case "--with": troubles = (troubles ?? Trouble.usual).union([Self.trouble(&rest)])
      case "--without": troubles = (troubles ?? Trouble.usual).subtracting([Self.trouble(&rest)])
      case "--fault": mistake = Self.value(&rest)
      case "--hunt": hunted = Self.value(&rest)
      case "--seeds": seeds = Self.number(&rest)
      case "--from": from = Self.number(&rest)
      case "--seed": seed = Self.number(&rest)
      case "--operations": operations = Int(Self.number(&rest))
      case "--max-failures": maxFailures = Int(Self.number(&rest))
      case "--tolerate": tolerated = Int(Self.number(&rest))
      case "--limit": limit = Self.number(&rest)
      default: Self.end()
      }
    }
  }

  private static func value(_ rest: inout ArraySlice<String>) -> String {
    guard let value = rest.popFirst() else { end() }
    return value
  }

  private static func trouble(_ rest: inout ArraySlice<String>) -> Trouble {
    guard let trouble = Trouble(rawValue: value(&rest)) else { end() }
    return trouble
  }

  private static func number(_ rest: inout ArraySlice<String>) -> UInt64 {
    guard let number = UInt64(value(&rest)) else { end() }
    return number
  }

  private static func end() -> Never {
    print(usage)
    exit(64)
  }
}
