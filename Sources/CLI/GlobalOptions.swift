internal import ArgumentParser
internal import Glibc
internal import Logging
internal import SoftadastraCore
internal import SoftadastraNode

/// What every command understands.
struct GlobalOptions: ParsableArguments {
  /// Options followed by a value, for finding the command's name among the arguments.
  static let takesValue: Set<String> = ["--home", "--log-level", "--color"]

  @Option(help: ArgumentHelp("The node's state directory.", valueName: "dir"), completion: .directory)
  var home: String?

  @Flag(name: .shortAndLong, help: "Log what the node does, to stderr.")
  var verbose = false

  @Option(
    help: ArgumentHelp(
      "Log from this level on: trace, debug, info, notice, warning, error or critical.", valueName: "level"),
    completion: .list(NodeOptions.logLevels))
  var logLevel: String?

  @Option(help: ArgumentHelp("When to use colour: auto, always or never.", valueName: "when"))
  var color: ColorChoice?

  /// The effective settings; the command's own flags on top.
  func configuration(_ flags: [SettingKey: Configuration.Flag] = [:]) throws -> Configuration {
    var flags = flags
    if let logLevel {
      flags[.logLevel] = Configuration.Flag("--log-level", .text(logLevel))
    } else if verbose {
      flags[.logLevel] = Configuration.Flag("--verbose", .text("debug"))
    }
    for (key, flag) in flags {
      if let why = Configuration.refusal(flag.value, for: key) { throw CommandFailure.usage("\(flag.name): \(why)") }
    }
    return try Configuration.load(home: home, flags: flags, environment: Environment.all)
  }

  func logger(_ options: NodeOptions) -> Logger {
    var logger = Logger(label: "softadastra") { _ in ErrorStreamLogHandler() }
    logger.logLevel = Logger.Level(rawValue: options.logLevel.value) ?? .notice
    return logger
  }

  var style: Style { Style.of(STDOUT_FILENO, color ?? .auto) }
}

enum ColorChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case auto, always, never
}

/// `--json`, wherever something is shown.
struct JSONOption: ParsableArguments {
  @Flag(help: "Print JSON; its fields are described in softadastra-json(7).")
  var json = false
}

/// The process's environment.
enum Environment {
  static var all: [String: String] {
    var out: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        out[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      next += 1
    }
    return out
  }
}
