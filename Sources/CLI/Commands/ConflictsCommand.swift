internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct ConflictsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conflicts",
    abstract: "List conflicts, and decide them.",
    discussion: """
      When two nodes change the same file while apart, one edit keeps the name and the other is kept beside it, as \
      NAME.conflict-TIME-NODE-HASH. Of two values put under one key at the same time one is served and the other kept.
      """,
    subcommands: [ConflictsListCommand.self, ConflictsResolveCommand.self],
    defaultSubcommand: ConflictsListCommand.self)

  @OptionGroup var global: GlobalOptions
}

struct ConflictsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List conflict copies and values that lost. This is what 'conflicts' alone does.",
    discussion: """
      Example:
        softadastra conflicts
      """)

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let found = try await NodeAccess.with(try global.configuration()) { try await $0.conflicts() }
    if output.json { return try Output.json(found) }
    if found.isEmpty { return Output.message("no conflicts") }
    var table = Table(["FOLDER", "PATH", "COPY", "BY", "TIME"], style: global.style)
    for conflict in found {
      table.add([conflict.folder ?? "(value)", conflict.path, conflict.copy, conflict.node, conflict.time])
    }
    Output.result(table.text)
  }
}

struct ConflictsResolveCommand: AsyncParsableCommand {
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case this, other, both
  }

  static let configuration = CommandConfiguration(
    commandName: "resolve",
    abstract: "Decide a conflict.",
    discussion: """
      'this' keeps the file that has the name and takes the copy away; 'other' gives the copy the name; 'both' keeps \
      both, as two ordinary files. A file that gives way goes to the versions archive, see softadastra-versions(1). \
      Of values, 'both' puts the other under a key of its own.

      Examples:
        softadastra conflicts resolve ~/Shared/notes.txt --keep this
        softadastra conflicts resolve notes.conflict-20260102-030405-abcdefgh-1a2b3c.txt --keep other
      """)

  @Argument(
    help: "The file or its copy, on disk or as 'softadastra conflicts' shows it; or the key of a value.",
    completion: .file())
  var path: String

  @Option(help: ArgumentHelp("Which side to keep.", valueName: "side"))
  var keep: Choice

  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !path.isEmpty else { throw ValidationError("the path is empty") }
  }

  func run() async throws {
    try await NodeAccess.with(try global.configuration()) {
      try await $0.resolveConflict(FolderPath.spellings(path), keep: keep.rawValue)
    }
  }
}
