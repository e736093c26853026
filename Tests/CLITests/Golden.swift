import Foundation
import Testing

/// Files that a test compares with, or, under SOFTADASTRA_UPDATE=1, writes.
enum Golden {
  static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let isUpdating = ProcessInfo.processInfo.environment["SOFTADASTRA_UPDATE"] == "1"

  static func expect(_ text: String, _ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = package.appending(path: path)
    if isUpdating {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    let kept = try? String(contentsOf: file, encoding: .utf8)
    #expect(
      kept == text, "\(path) is not current; run share/scripts/update-generated and look at the difference",
      sourceLocation: sourceLocation)
  }
}
