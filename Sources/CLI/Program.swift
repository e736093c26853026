internal import ArgumentParser
internal import Glibc
internal import SoftadastraCore

/// The program: parses, runs, and turns what went wrong into one line, a hint and an exit code.
public enum Program {
  /// What scripts may rely on.
  public enum Exit {
    public static let failed: Int32 = 1
    public static let usage: Int32 = 64
    public static let noNode: Int32 = 69
    public static let tryAgain: Int32 = 75
    public static let interrupted: Int32 = 130
    /// As a shell reports a process that wrote to a closed pipe.
    static let brokenPipe: Int32 = 141
  }

  /// For the start of a process that is this program's alone, before it has threads.
  public static func prepareProcess() { ProcessMemory.prepareForBursts() }

  /// Runs the command in this process, whose signals it takes over; returns the exit code.
  public static func main(_ arguments: [String]) async -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    // `watch` takes these signals over; every other command ends at once.
    signal(SIGINT) { _ in _exit(Exit.interrupted) }
    return await run(arguments)
  }

  static func run(_ arguments: [String]) async -> Int32 {
    do {
      let command = try SoftadastraCommand.parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        var plain = command
        try plain.run()
      }
      return 0
    } catch {
      return report(error, arguments)
    }
  }

  static func report(_ error: any Error, _ arguments: [String]) -> Int32 {
    switch error {
    case let failure as SoftadastraError:
      // A place in a file stands at the start of its line, where editors look for it.
      Output.failure(failure.description, hint: failure.hint, plain: failure.what.hasPrefix("/"))
      return exitCode(failure)
    case let failure as CommandFailure:
      Output.failure(failure.message, hint: failure.hint)
      return failure.exitCode
    case let exit as ExitCode:
      return exit.rawValue
    default:
      let code = SoftadastraCommand.exitCode(for: error).rawValue
      if code == 0 {
        Output.result(SoftadastraCommand.fullMessage(for: error))
      } else {
        Output.failure(usageMessage(error, arguments), hint: usageHint(arguments))
      }
      return code
    }
  }

  static func exitCode(_ error: SoftadastraError) -> Int32 {
    switch error.code {
    case .closed: Exit.noNode
    case .timeout, .versionMismatch: Exit.tryAgain
    default: Exit.failed
    }
  }

  private static func usageMessage(_ error: any Error, _ arguments: [String]) -> String {
    let (path, rest) = commandPath(arguments)
    if let word = rest, !path.last.hasNoSubcommands, !word.hasPrefix("-") {
      return "there is no command '\(([SoftadastraCommand._name] + path.names + [word]).joined(separator: " "))'"
    }
    return SoftadastraCommand.message(for: error).split(separator: "\n").joined(separator: " ")
  }

  private static func usageHint(_ arguments: [String]) -> String {
    "see: " + ([SoftadastraCommand._name] + commandPath(arguments).path.names + ["--help"]).joined(separator: " ")
  }

  /// The commands that the arguments name, and the first word that names none.
  private static func commandPath(_ arguments: [String]) -> (path: [any ParsableCommand.Type], rest: String?) {
    var path: [any ParsableCommand.Type] = []
    var current: any ParsableCommand.Type = SoftadastraCommand.self
    var rest = arguments[...]
    while let word = rest.first {
      if GlobalOptions.takesValue.contains(word) {
        rest = rest.dropFirst(2)
        continue
      }
      if word.hasPrefix("-") {
        rest = rest.dropFirst()
        continue
      }
      guard let next = current.configuration.subcommands.first(where: { $0._name == word }) else { break }
      path.append(next)
      current = next
      rest = rest.dropFirst()
    }
    return (path, rest.first)
  }
}

/// A failure of the command line itself: something that no module below could say.
struct CommandFailure: Error {
  var message: String
  var hint: String
  var exitCode: Int32

  init(_ message: String, hint: String = "", exitCode: Int32 = Program.Exit.failed) {
    self.message = message
    self.hint = hint
    self.exitCode = exitCode
  }

  static func usage(_ message: String, hint: String = "") -> CommandFailure {
    CommandFailure(message, hint: hint, exitCode: Program.Exit.usage)
  }
}

extension ParsableCommand {
  /// The name it is called by.
  static var _name: String { configuration.commandName ?? "softadastra" }
}

extension [any ParsableCommand.Type] {
  fileprivate var names: [String] { map { $0._name } }
}

extension Optional where Wrapped == any ParsableCommand.Type {
  /// Nil stands for the program itself, which has commands.
  fileprivate var hasNoSubcommands: Bool { self.map { $0.configuration.subcommands.isEmpty } ?? false }
}
