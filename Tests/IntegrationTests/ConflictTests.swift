import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// What a person does about conflicts, on real nodes.
  @Suite struct ConflictTests {
    struct Conflict: Decodable, Equatable {
      var kind: String
      var folder: String?
      var path: String
      var copy: String
      var node: String
      var time: String
    }

    private func conflicts(_ node: TestNode) async throws -> [Conflict] {
      try JSONDecoder().decode([Conflict].self, from: Data(try await node.succeed(["conflicts", "--json"]).utf8))
    }

    /// Two nodes that edited the same file while apart, and both hold both edits.
    private func withConflict(_ name: String, _ body: (Pair, Conflict) async throws -> Void) async throws {
      try await Lab.pair { pair in
        try pair.a.write(name, "common\n")
        try await pair.equal()
        await pair.b.stop()
        try pair.a.write(name, "a's\n")
        try pair.b.write(name, "b's, longer\n")
        try await pair.startB()
        try await until("not both have the copy") {
          let known = [try await conflicts(pair.a).count, try await conflicts(pair.b).count]
          return known == [1, 1]
        }
        try await pair.equal()
        let conflict = try #require(try await conflicts(pair.a).first)
        #expect(try await conflicts(pair.b) == [conflict])
        #expect(conflict.kind == "file" && conflict.path == name && ["a", "b"].contains(conflict.node))
        #expect(conflict.time.hasSuffix("Z") && conflict.folder == "folder")
        try await body(pair, conflict)
      }
    }

    private func text(_ node: TestNode, _ path: String) throws -> String {
      try String(contentsOfFile: node.path(path), encoding: .utf8)
    }

    @Test(.timeLimit(.minutes(2)))
    func keepThis() async throws {
      try await withConflict("notes.txt") { pair, conflict in
        let kept = try text(pair.a, "notes.txt")
        try await pair.a.succeed(["conflicts", "resolve", pair.a.path("notes.txt"), "--keep", "this"])
        #expect(try await conflicts(pair.a).isEmpty)
        try await pair.equal()
        #expect(try Trees.read(pair.b.folder).keys.sorted() == ["notes.txt"])
        #expect(try text(pair.b, "notes.txt") == kept)
        #expect(try await conflicts(pair.b).isEmpty)
        // What gave way can be had back.
        let versions = try await pair.a.succeed(["versions", "notes.txt"])
        #expect(versions.contains("conflict"))
        _ = conflict
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func keepOther() async throws {
      try await withConflict("notes.txt") { pair, conflict in
        let other = try text(pair.b, conflict.copy)
        try await pair.b.succeed(["conflicts", "resolve", conflict.copy, "--keep", "other"])
        try await pair.equal()
        #expect(try Trees.read(pair.a.folder).keys.sorted() == ["notes.txt"])
        #expect(try text(pair.a, "notes.txt") == other)
        #expect(try await conflicts(pair.a).isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func keepBothAndWithoutANode() async throws {
      try await withConflict("notes.txt") { pair, conflict in
        await pair.a.stop()
        try await pair.a.succeed(["conflicts", "resolve", pair.a.path("notes.txt"), "--keep", "both"])
        #expect(try await conflicts(pair.a).isEmpty)
        try await pair.startA()
        try await pair.equal()
        try await until("b still lists it") { try await conflicts(pair.b).isEmpty }
        #expect(try Trees.read(pair.b.folder).keys.sorted() == [conflict.copy, "notes.txt"].sorted())
        let again = try await pair.b.run(["conflicts", "resolve", "notes.txt", "--keep", "this"])
        #expect(again.code == 1 && again.errors.contains("there is no conflict"), "\(again.errors)")
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func resolvedWhileTheNodeIsOff() async throws {
      try await withConflict("notes.txt") { pair, conflict in
        let other = try text(pair.a, conflict.copy)
        await pair.a.stop()
        try await pair.a.succeed(["conflicts", "resolve", conflict.copy, "--keep", "other"])
        #expect(try await conflicts(pair.a).isEmpty)
        try await pair.startA()
        try await pair.equal()
        #expect(try text(pair.b, "notes.txt") == other)
        #expect(try Trees.read(pair.b.folder).count == 1)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func valuesThatLost() async throws {
      try await Lab.pair { pair in
        try await pair.a.succeed(["store", "put", "theme", "common"])
        try await until("it does not arrive") { try await pair.b.run(["store", "get", "theme"]).output == "common" }
        await pair.b.stop()
        try await pair.a.succeed(["store", "put", "theme", "dark"])
        try await pair.b.succeed(["store", "put", "theme", "light"])
        try await pair.startB()
        // Whoever decides has the value that lost; mostly that is both, but the one decides before the other has heard.
        try await until("nobody lists it") {
          let lists = [try await conflicts(pair.a), try await conflicts(pair.b)]
          return lists.contains { !$0.isEmpty }
        }
        try await pair.equal()
        let isListedByA = try await !conflicts(pair.a).isEmpty
        let (lister, other) = isListedByA ? (pair.a, pair.b) : (pair.b, pair.a)
        let served = try await lister.succeed(["store", "get", "theme"])
        let lost = served == "dark" ? "light" : "dark"
        let listed = try #require(try await conflicts(lister).first)
        #expect(listed.kind == "value" && listed.path == "theme" && listed.node == (lost == "dark" ? "a" : "b"))
        try await lister.succeed(["conflicts", "resolve", "theme", "--keep", "other"])
        #expect(try await lister.succeed(["store", "get", "theme"]) == lost)
        #expect(try await conflicts(lister).isEmpty)
        try await until("it does not arrive") { try await other.run(["store", "get", "theme"]).output == lost }
        // Each node decides on its own list.
        guard try await !conflicts(other).isEmpty else { return }
        try await other.succeed(["conflicts", "resolve", "theme", "--keep", "both"])
        let keys = try await other.succeed(["store", "list"])
        #expect(keys.contains("theme.conflict-"), "\(keys)")
        #expect(try await conflicts(other).isEmpty)
      }
    }
  }
}
