internal import ArgumentParser
internal import SoftadastraCore
internal import SoftadastraNode

struct VersionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "versions",
    abstract: "List earlier versions of a file, or of all files below a directory.",
    discussion: """
      What another node replaces or deletes goes to the archive .softadastra/versions in the folder. It keeps many \
      versions of the last hour and day, fewer of the last month and year; the settings versions-days and versions-mib \
      limit it. What you overwrite yourself is yours and is not kept. The time is when the version left the folder.

      Examples:
        softadastra versions ~/Shared/notes.txt
        softadastra versions --json ~/Shared
      """)

  @Argument(
    help: "A file or directory of a watched folder, on disk or relative to its folder; it may be gone.",
    completion: .file())
  var path: String

  @OptionGroup var output: JSONOption
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !path.isEmpty else { throw ValidationError("the path is empty") }
  }

  func run() async throws {
    let found = try await NodeAccess.with(try global.configuration()) {
      try await $0.versions(FolderPath.spellings(path))
    }
    if output.json { return try Output.json(found) }
    if found.isEmpty { return Output.message("no earlier versions") }
    Output.result(Self.table(found, global.style))
  }

  static func table(_ versions: [VersionReport], _ style: Style) -> String {
    var table = Table(["TIME", "SIZE", "REASON", "PATH"], rightAligned: [1], style: style)
    for version in versions {
      table.add([version.time, Quantity.bytes(version.size), version.reason, version.path])
    }
    return table.text
  }
}
