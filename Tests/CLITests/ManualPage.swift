import Foundation

@testable import SoftadastraCLI

/// One page of the manual in man(7) macros, made from the parser's own description of a command.
struct ManualPage {
  /// The day the text last changed in substance; not the day of a build, so that pages stay the same.
  static let date = "2026-11-24"

  let fileName: String
  let text: String

  static func all(_ tree: CommandTree) -> [ManualPage] {
    [overview(tree)] + (tree.subcommands ?? []).map { page($0, root: tree) }
  }

  // MARK: Pages

  private static func overview(_ tree: CommandTree) -> ManualPage {
    var out = head("softadastra", tree)
    out += section("SYNOPSIS") + ".B softadastra\n[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]\n"
    out += section("DESCRIPTION") + prose(tree)
    out += section("COMMANDS")
    for command in tree.subcommands ?? [] {
      out += ".TP\n.BR softadastra\\-\(roff(command.commandName)) (1)\n\(line(command.abstract ?? ""))"
    }
    out += section("OPTIONS") + ".PP\nEvery command takes these.\n" + options(tree)
    out +=
      section("FILES") + """
        .TP
        .I $SOFTADASTRA_HOME
        The node's state directory, unless \\fB\\-\\-home\\fR gives another one; by default
        .IR $XDG_STATE_HOME/softadastra ,
        else
        .IR ~/.local/state/softadastra .
        .TP
        .I $XDG_CONFIG_HOME/softadastra/config.toml
        The configuration, by default in
        .IR ~/.config .
        With \\fB\\-\\-home\\fR it is
        .I config.toml
        in that directory.
        .TP
        .I .softadastra/
        In each watched folder: its marker, what is being received, and in
        .I versions
        earlier versions of files. Never synchronised.
        .TP
        .I .softadastraignore
        In any directory of a folder: patterns of what is not synchronised.

        """
    out +=
      section("CONFIGURATION") + """
        .PP
        The file is TOML. A setting comes from a flag, else from its variable, else from the file, else it has its
        default;
        .BR softadastra\\-config (1)
        shows which.

        """
    for key in SettingText.rows {
      out += ".TP\n.BR \(roff(key.name)) \" (\(roff(key.variable)))\"\n\(line(key.meaning))"
    }
    out += section("EXIT STATUS") + exitStatus
    out += seeAlso(tree, except: nil)
    return ManualPage(fileName: "softadastra.1", text: out)
  }

  private static func page(_ command: CommandTree, root: CommandTree) -> ManualPage {
    let name = "softadastra-\(command.commandName)"
    var out = head(name, command)
    out += section("SYNOPSIS")
    let leaves = command.subcommands ?? []
    let calls =
      leaves.isEmpty
      ? [synopsis("softadastra \(command.commandName)", command)]
      : leaves.map {
        synopsis("softadastra \(command.commandName) \($0.commandName)", $0)
      }
    out += calls.joined(separator: ".br\n")
    out += section("DESCRIPTION") + line(command.abstract ?? "") + prose(command)
    if !leaves.isEmpty {
      out += section("COMMANDS")
      for leaf in leaves {
        out += ".SS \(roff(leaf.commandName))\n" + line(leaf.abstract ?? "") + prose(leaf)
        out += own(leaf, root) + examples(leaf)
      }
    }
    let ownOptions = leaves.isEmpty ? own(command, root) : ""
    out +=
      section("OPTIONS") + ownOptions
      + ".PP\nThe options of every command are in\n.BR softadastra (1).\n"
    let shown = examples(command)
    if !shown.isEmpty { out += section("EXAMPLES") + shown }
    out += section("EXIT STATUS") + exitStatus
    out += seeAlso(root, except: command.commandName)
    return ManualPage(fileName: "\(name).1", text: out)
  }

  // MARK: Parts

  private static func head(_ name: String, _ command: CommandTree) -> String {
    """
    .\\" Made by share/scripts/update-generated; do not edit.
    .TH \(name.uppercased()) 1 "\(date)" "softadastra \(SoftadastraCommand.version)" "User Commands"
    .SH NAME
    \(roff(name)) \\- \(roff(lowered(command.abstract ?? "")))

    """
  }

  private static let exitStatus = """
    .TP
    .B 0
    done
    .TP
    .B 1
    failed; the reason is one line on stderr, a hint may follow
    .TP
    .B 64
    wrong usage
    .TP
    .B 69
    no node is running and the command needs one
    .TP
    .B 75
    not now: try again
    .TP
    .B 130
    interrupted

    """

  private static func seeAlso(_ root: CommandTree, except: String?) -> String {
    var pages = (root.subcommands ?? []).map(\.commandName).filter { $0 != except }.map { "softadastra\\-\($0)" }
    if except != nil { pages.insert("softadastra", at: 0) }
    let lines = pages.map { ".BR \($0) (1)," } + [".BR softadastra\\-json (7)"]
    return section("SEE ALSO") + lines.joined(separator: "\n") + "\n"
  }

  private static func synopsis(_ call: String, _ command: CommandTree) -> String {
    var words = ["\\fB\(roff(call))\\fR"]
    for argument in command.arguments ?? [] where argument.shouldDisplay && argument.kind == "positional" {
      let value = "\\fI\(roff((argument.valueName ?? "").uppercased()))\\fR" + (argument.isRepeating ? "..." : "")
      words.append(argument.isOptional ? "[\(value)]" : value)
    }
    words.append("[\\fIoptions\\fR]")
    return words.joined(separator: " ") + "\n"
  }

  /// The command's own arguments: without those that every command takes.
  private static func own(_ command: CommandTree, _ root: CommandTree) -> String {
    let common = Set((root.arguments ?? []).compactMap { $0.names?.first?.name })
    var copy = command
    copy.arguments = command.arguments?.filter { argument in
      argument.names?.contains { common.contains($0.name) } != true
    }
    return options(copy)
  }

  private static func options(_ command: CommandTree) -> String {
    var out = ""
    for argument in command.arguments ?? [] where argument.shouldDisplay {
      let value = roff(argument.valueName ?? "")
      out += ".TP\n"
      if argument.kind == "positional" {
        out += "\\fI\(value.uppercased())\\fR\n"
      } else {
        let names = (argument.names ?? []).map { "\\fB\(roff($0.written))\\fR" }.joined(separator: ", ")
        out += names + (argument.kind == "option" ? " \\fI\(value)\\fR" : "") + "\n"
      }
      out += line(argument.abstract ?? "")
      if let values = argument.allValueStrings, !values.isEmpty {
        out += line("One of: \(values.joined(separator: ", ")).")
      }
      if argument.kind == "option", let value = argument.defaultValue, !value.isEmpty {
        out += line("Default: \(value).")
      }
    }
    return out
  }

  private static func prose(_ command: CommandTree) -> String {
    command.prose.text.map { ".PP\n\(line($0))" }.joined()
  }

  private static func examples(_ command: CommandTree) -> String {
    let lines = command.prose.examples
    return lines.isEmpty ? "" : ".PP\n.EX\n" + lines.map { "    \(roff($0))\n" }.joined() + ".EE\n"
  }

  private static func section(_ title: String) -> String { ".SH \(title)\n" }

  /// A line of text that cannot be taken for a request.
  private static func line(_ text: String) -> String {
    let escaped = roff(text.replacingOccurrences(of: "\n", with: " "))
    return (escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" : "") + escaped + "\n"
  }

  private static func roff(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\e").replacingOccurrences(of: "-", with: "\\-")
      .replacingOccurrences(of: "~", with: "\\(ti")
  }

  private static func lowered(_ abstract: String) -> String {
    let text = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
