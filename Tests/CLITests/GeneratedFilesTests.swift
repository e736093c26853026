import ArgumentParser
import Foundation
import Testing

@testable import SoftadastraCLI

/// What is made from the parser and kept in the repository.
@Suite struct GeneratedFilesTests {
  @Test func manualPagesAreCurrent() throws {
    let pages = ManualPage.all(try CommandTree.read())
    for page in pages { try Golden.expect(page.text, "man/\(page.fileName)") }
    // No page of a command that is no more; softadastra-json.7 is written by hand.
    let kept = try FileManager.default.contentsOfDirectory(atPath: Golden.package.appending(path: "man").path)
    #expect(Set(kept).subtracting(pages.map(\.fileName)) == ["softadastra-json.7"])
  }

  @Test(arguments: [
    (CompletionShell.bash, "softadastra.bash"), (.zsh, "_softadastra"), (.fish, "softadastra.fish"),
  ])
  func completionsAreCurrent(_ shell: CompletionShell, _ file: String) throws {
    try Golden.expect(SoftadastraCommand.completionScript(for: shell) + "\n", "completions/\(file)")
  }

  @Test func helpIsCurrent() throws {
    func visit(_ command: any ParsableCommand.Type, _ path: [String]) throws {
      let name = (["softadastra"] + path).joined(separator: "-")
      let help = SoftadastraCommand.helpMessage(for: command, columns: 100)
      try Golden.expect(help + "\n", "Tests/CLITests/Golden/help/\(name).txt")
      for next in command.configuration.subcommands {
        try visit(next, path + [next.configuration.commandName ?? ""])
      }
    }
    try visit(SoftadastraCommand.self, [])
  }

  /// Every command says how it is used.
  @Test func everyCommandHasAnExample() throws {
    func visit(_ command: CommandTree, _ path: String) {
      let subcommands = command.subcommands ?? []
      // What a command does by itself is shown without the name of its default subcommand.
      let called = path.hasSuffix(" list") || path.hasSuffix(" show") ? String(path.dropLast(5)) : path
      if subcommands.isEmpty { #expect(!command.prose.examples.isEmpty, "\(path) has no example") }
      for example in command.prose.examples { #expect(example.contains(called), "an example of \(path) shows another") }
      for next in subcommands { visit(next, "\(path) \(next.commandName)") }
    }
    let tree = try CommandTree.read()
    for command in tree.subcommands ?? [] { visit(command, "softadastra \(command.commandName)") }
  }
}
