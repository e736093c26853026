import ArgumentParser
import Foundation

@testable import SoftadastraCLI

/// The commands as the parser describes them: the source of the manual pages.
struct CommandTree: Decodable {
  struct Name: Decodable {
    var kind: String
    var name: String
    var written: String { (kind == "short" ? "-" : "--") + name }
  }

  struct Argument: Decodable {
    var kind: String
    var abstract: String?
    var defaultValue: String?
    var allValueStrings: [String]?
    var isOptional: Bool
    var isRepeating: Bool
    var names: [Name]?
    var shouldDisplay: Bool
    var valueName: String?
  }

  var commandName: String
  var abstract: String?
  var discussion: String?
  var defaultSubcommand: String?
  var shouldDisplay: Bool
  var arguments: [Argument]?
  var subcommands: [CommandTree]?

  /// Without the parser's own `help` command.
  static func read() throws -> CommandTree {
    struct Dump: Decodable { var command: CommandTree }
    return try JSONDecoder().decode(Dump.self, from: Data(SoftadastraCommand._dumpHelp().utf8)).command.withoutHelp
  }

  private var withoutHelp: CommandTree {
    var copy = self
    copy.subcommands = subcommands?.filter { $0.commandName != "help" && $0.shouldDisplay }.map(\.withoutHelp)
    return copy
  }

  /// The text before the examples, and the examples one a line.
  var prose: (text: [String], examples: [String]) {
    var text: [String] = []
    var examples: [String] = []
    for paragraph in (discussion ?? "").components(separatedBy: "\n\n") where !paragraph.isEmpty {
      let lines = paragraph.components(separatedBy: "\n")
      if lines[0] == "Example:" || lines[0] == "Examples:" {
        examples += lines.dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
      } else {
        text.append(paragraph)
      }
    }
    return (text, examples)
  }
}
