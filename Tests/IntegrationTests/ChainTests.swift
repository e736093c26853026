import Foundation
import Testing

extension Integration {
  /// a–b–c: a and c are never online together, and know each other's work through b.
  @Suite struct ChainTests {
    @Test(.timeLimit(.minutes(2)))
    func theEndsMeetInTheMiddle() async throws {
      try await Lab.use { lab in
        let (a, b, c) = (try lab.node("a"), try lab.node("b"), try lab.node("c"))
        let ready = try await a.start()
        let second = try await b.start(["--peer", ready.address, "--join", try #require(ready.invite)])
        for number in 1...6 { try a.write("file\(number)", "a's \(number)") }
        try await equal(a, b)
        #expect(await a.stop() == 0)

        let invite = try await b.succeed(["invite"])
        try await c.start(["--peer", second.address, "--join", invite])
        try await equal(b, c)
        #expect(try Trees.read(c.folder).count == 6)
        try c.write("file1", "edited on c")
        try FileManager.default.removeItem(atPath: c.path("file2"))
        try FileManager.default.moveItem(atPath: c.path("file3"), toPath: c.path("renamed"))
        try c.write("new", "made on c")
        try await c.succeed(["store", "put", "key", "c's"])
        try await equal(b, c)
        #expect(await c.stop() == 0)

        // a edits what c did not touch, and what it did; of both edits of one file both are kept.
        try a.write("file4", "edited on a")
        try FileManager.default.removeItem(atPath: a.path("file5"))
        try a.write("file1", "edited on a, too")
        try await a.start(["--listen", ready.address])
        try await equal(a, b)
        #expect(try await a.succeed(["store", "get", "key"]) == "c's")
        #expect(await a.stop() == 0)

        try await c.start(["--peer", second.address])
        try await equal(b, c)
        for node in [a, b, c] {
          let tree = try Trees.read(node.folder)
          let names = Set(tree.keys)
          #expect(names.isSuperset(of: ["file1", "file4", "file6", "renamed", "new"]), "\(node.name): \(names)")
          #expect(names.isDisjoint(with: ["file2", "file3", "file5"]), "\(node.name): \(names)")
          #expect(tree["file4"]?.content == Data("edited on a".utf8))
          let both = tree.filter { $0.key.hasPrefix("file1") }
          #expect(Set(both.values.map(\.content)) == [Data("edited on c".utf8), Data("edited on a, too".utf8)])
          #expect(both.count == 2)
        }
      }
    }

    private func equal(_ one: TestNode, _ other: TestNode) async throws {
      try await Trees.untilEqual(one.folder, other.folder, within: .seconds(30))
      for node in [one, other] {
        let waited = try await node.run(["wait", "--timeout", "30s", "--peers", "1"])
        #expect(waited.code == 0, "\(node.name): \(waited.errors)")
      }
      #expect(try Trees.difference(one.folder, other.folder) == nil)
    }
  }
}
