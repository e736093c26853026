import Foundation
import Testing

/// The direction of the modules, as `share/doc/architecture.md` states it, checked against every import.
@Suite struct DependencyRuleTests {
  private static let engine: Set<String> = ["Core", "FS", "WAL", "Store", "Sync", "Metadata", "Mirror", "Replica"]
  private static let allowed: [String: Set<String>] = [
    "Core": [],
    "FS": ["Core"],
    "WAL": ["Core"],
    "Store": ["Core", "WAL"],
    "Sync": ["Core", "Store"],
    "Transport": ["Core", "Sync"],
    "Discovery": ["Core", "Transport"],
    "Metadata": ["Core"],
    "Mirror": ["Core", "FS", "Store", "Sync"],
    "Replica": ["Core", "Store", "Sync", "Mirror"],
    "Node": engine.union(["Transport", "Discovery"]),
    "SDK": engine.union(["Transport", "Discovery", "Node"]),
    "CLI": engine.union(["Transport", "Discovery", "Node", "SDK"]),
    "softadastra": ["CLI"],
  ]

  /// Every forbidden import below `Sources`, with its file.
  static func violations(_ files: [(module: String, file: String, text: String)]) -> [String] {
    files.flatMap { module, file, text -> [String] in
      guard let permitted = allowed[module] else { return ["\(file): its module is in no table"] }
      return text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at < 3, at + 1 < words.count else { return nil }
        let name = words[words.count - 1].split(separator: ".")[0]
        guard name.hasPrefix("Softadastra") else { return nil }
        let imported = name == "Softadastra" ? "SDK" : String(name.dropFirst("Softadastra".count))
        return imported == module || permitted.contains(imported) ? nil : "\(file): \(line)"
      }
    }
  }

  @Test func everyImportPointsDown() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources").path
    var files: [(module: String, file: String, text: String)] = []
    for case let path as String in try #require(FileManager.default.enumerator(atPath: root))
    where path.hasSuffix(".swift") {
      let text = try String(contentsOfFile: root + "/" + path, encoding: .utf8)
      files.append((String(path.prefix { $0 != "/" }), path, text))
    }
    #expect(files.count > 100)
    #expect(Self.violations(files) == [])
  }

  @Test func aForbiddenImportIsFound() {
    let bad = [("Core", "Core/X.swift", "internal import SoftadastraStore\nimport Glibc")]
    #expect(Self.violations(bad) == ["Core/X.swift: internal import SoftadastraStore"])
    #expect(Self.violations([("Sync", "Sync/X.swift", "public import SoftadastraStore")]) == [])
    #expect(Self.violations([("New", "New/X.swift", "")]).count == 1)
  }
}
