import Foundation
import Testing

extension Integration {
  /// A node whose log was damaged while it was off: it says where, starts, and is in sync again with nothing lost.
  @Suite struct DamageTests {
    private struct Verified: Decodable {
      struct Damage: Decodable {
        var segment: String
        var offset: Int
      }
      var sound: Bool
      var damage: [Damage]
      var setAside: [String]
    }

    private func verify(_ node: TestNode) async throws -> (code: Int32, report: Verified) {
      let outcome = try await node.run(["wal", "verify", "--json"])
      return (outcome.code, try JSONDecoder().decode(Verified.self, from: Data(outcome.output.utf8)))
    }

    /// Flips one bit of the newest segment, as far into what is used of it as the share says; where that was.
    private func flip(_ node: TestNode, _ share: Double) throws -> (segment: String, offset: Int) {
      let directory = node.home + "/log"
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".wal") }
      // The largest: the others hold what was rewritten.
      let segment = try #require(names.max { size(directory, $0) < size(directory, $1) })
      let url = URL(filePath: "\(directory)/\(segment)")
      var bytes = try Data(contentsOf: url)
      let used = try #require(bytes.lastIndex { $0 != 0 }) + 1 - 36
      let offset = Int(Double(used) * share)
      bytes[offset] ^= 4
      try bytes.write(to: url)
      return (segment, offset)
    }

    private func size(_ directory: String, _ name: String) -> Int {
      let bytes = (try? Data(contentsOf: URL(filePath: "\(directory)/\(name)"))) ?? Data()
      return bytes.lastIndex { $0 != 0 } ?? 0
    }

    @Test(.timeLimit(.minutes(3)))
    func aFlippedByteIsNamedAndMended() async throws {
      try await Lab.pair { pair in
        for number in 0..<30 { try pair.a.write("file\(number)", "content \(number)") }
        try await pair.a.succeed(["store", "put", "key", "value"])
        try await pair.equal()
        for (round, share) in [0.002, 0.1, 0.35, 0.6, 0.8, 0.999].enumerated() {
          #expect(await pair.a.stop() == 0)
          // Also while it is off both go on: nothing of that may be undone.
          try pair.a.write("file1", "edited on a, round \(round)")
          try FileManager.default.removeItem(atPath: pair.a.path("file\(10 + round)"))
          try pair.b.write("file2", "edited on b, round \(round)")
          try pair.b.write("new\(round)", "made on b")
          let (segment, offset) = try flip(pair.a, share)
          var (code, report) = try await verify(pair.a)
          #expect(code == 1 && !report.sound)
          let damage = try #require(report.damage.first)
          #expect(damage.segment == segment && damage.offset <= offset && offset - damage.offset < 70_000)

          try await pair.startA()
          #expect(pair.a.errorText.contains("the log was damaged: \(segment)"), "\(pair.a.errorText)")
          try await pair.equal(within: .seconds(60))
          (code, report) = try await verify(pair.a)
          #expect(code == 0 && report.sound && report.setAside.count == round + 1)
          let tree = try Trees.read(pair.a.folder)
          // The missing record may be of one of these: then both contents are kept, whoever has the name.
          let contents = Set(tree.values.map(\.content))
          #expect(contents.contains(Data("edited on a, round \(round)".utf8)))
          #expect(contents.contains(Data("edited on b, round \(round)".utf8)))
          #expect(tree["new\(round)"] != nil)
          #expect([nil, Data("content \(10 + round)".utf8)].contains(tree["file\(10 + round)"]?.content))
          for number in 20..<30 { #expect(tree["file\(number)"]?.content == Data("content \(number)".utf8)) }
          #expect(try await pair.a.succeed(["store", "get", "key"]) == "value")
        }
      }
    }
  }
}
