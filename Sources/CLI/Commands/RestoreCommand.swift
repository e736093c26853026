internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Put an earlier version of a file back.",
    discussion: """
      Restoring is an edit like any other and goes to the other nodes. What the file holds now is kept as a version \
      first. Without --at it takes the latest version. Of a directory it puts back all files below: without --at those \
      that are gone.

      Examples:
        softadastra restore ~/Shared/notes.txt
        softadastra restore ~/Shared/notes.txt --at 2026-01-02T03:04:05Z
        softadastra restore ~/Shared/photos
      """)

  @Argument(
    help: "A file or directory of a watched folder, on disk or relative to its folder; it may be gone.",
    completion: .file())
  var path: String

  @Option(
    help: ArgumentHelp(
      "As it was at this time, in UTC; a time that 'softadastra versions' shows is that version.", valueName: "time"))
  var at: String?

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !path.isEmpty else { throw ValidationError("the path is empty") }
    if let at, !NodeTime.isReadable(at) {
      throw ValidationError("--at takes a time like 2026-01-02T03:04:05Z")
    }
  }

  func run() async throws {
    let restored = try await NodeAccess.with(try global.configuration()) {
      try await $0.restore(FolderPath.spellings(path), at: at)
    }
    if output.json { return try Output.json(restored) }
    Output.result(VersionsCommand.table(restored, global.style))
  }
}
