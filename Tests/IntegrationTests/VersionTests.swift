import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// What a peer replaces or deletes can be had back.
  @Suite struct VersionTests {
    struct Version: Decodable, Equatable {
      var path: String
      var time: String
      var size: Int
      var reason: String
    }

    private func versions(_ node: TestNode, _ path: String) async throws -> [Version] {
      try JSONDecoder().decode([Version].self, from: Data(try await node.succeed(["versions", path, "--json"]).utf8))
    }

    private func text(_ node: TestNode, _ path: String) throws -> String {
      try String(contentsOfFile: node.path(path), encoding: .utf8)
    }

    @Test(.timeLimit(.minutes(2)))
    func replacedAndDeletedComeBack() async throws {
      try await Lab.pair { pair in
        #expect(mkdir(pair.a.path("d"), 0o755) == 0)
        try pair.a.write("d/report.txt", "one")
        try await pair.equal()
        try pair.a.write("d/report.txt", "two, longer")
        try await pair.equal()
        try FileManager.default.removeItem(atPath: pair.a.path("d"))
        try await pair.equal()
        var found = try await versions(pair.b, pair.b.path("d/report.txt"))
        #expect(found.map(\.reason) == ["replaced", "deleted"] && found.map(\.size) == [3, 11])
        #expect(found.allSatisfy { $0.path == "d/report.txt" })
        // What a overwrote itself is its own.
        #expect(try await versions(pair.a, "d/report.txt").isEmpty)

        // The file's latest, with its directory; it is an edit that goes to the other node.
        try await pair.b.succeed(["restore", pair.b.path("d/report.txt")])
        try await pair.equal()
        #expect(try text(pair.a, "d/report.txt") == "two, longer")
        // As it was before the first change; what is there now is kept.
        try await pair.b.succeed(["restore", "d/report.txt", "--at", found[0].time])
        try await pair.equal()
        #expect(try text(pair.a, "d/report.txt") == "one")
        found = try await versions(pair.b, "d/report.txt")
        #expect(found.map(\.reason).filter { $0 == "restored" }.count == 1)
        // On a the earlier content was replaced from remote.
        #expect(try await versions(pair.a, "d/report.txt").map(\.reason) == ["replaced"])
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func aDeletedTreeComesBackWithoutANode() async throws {
      try await Lab.pair { pair in
        #expect(mkdir(pair.a.path("photos"), 0o755) == 0)
        for number in 1...5 { try pair.a.write("photos/\(number).jpg", "picture \(number)") }
        try await pair.equal()
        try FileManager.default.removeItem(atPath: pair.a.path("photos"))
        try await pair.equal()
        #expect(try Trees.read(pair.b.folder).isEmpty)
        await pair.b.stop()
        let outcome = try await pair.b.run(["restore", pair.b.path("photos"), "--json"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        let restored = try JSONDecoder().decode([Version].self, from: Data(outcome.output.utf8))
        #expect(restored.map(\.path) == (1...5).map { "photos/\($0).jpg" })
        try await pair.startB()
        try await pair.equal()
        #expect(try text(pair.a, "photos/3.jpg") == "picture 3")
        let nothing = try await pair.b.run(["restore", "photos"])
        #expect(nothing.code == 1 && nothing.errors.contains("nothing is missing"), "\(nothing.errors)")
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func mistakes() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.start()
        try node.write("here", "x")
        let none = try await node.run(["restore", node.path("here")])
        #expect(none.code == 1 && none.errors.contains("no earlier version"), "\(none.errors)")
        #expect(try await node.run(["restore", node.path("here"), "--at", "yesterday"]).code == 64)
        let outside = try await node.run(["versions", "/etc/hostname"])
        #expect(outside.code == 1 && outside.errors.contains("none of the watched folders"), "\(outside.errors)")
        #expect(try await versions(node, "here").isEmpty)
      }
    }

    /// A program has the file open while a peer's version takes its place, and writes on: nothing it wrote is lost.
    @Test(.timeLimit(.minutes(2)), arguments: [true, false])
    func whatIsWrittenLateIsKept(deleted: Bool) async throws {
      try await Lab.pair { pair in
        try pair.a.write("log.txt", "begin\n")
        try await pair.equal()
        let file = open(pair.b.path("log.txt"), O_WRONLY | O_APPEND)
        #expect(file >= 0)
        if deleted {
          #expect(unlink(pair.a.path("log.txt")) == 0)
          try await until("the deletion does not arrive") { access(pair.b.path("log.txt"), F_OK) != 0 }
        } else {
          try pair.a.write("log.txt", "from the peer\n")
          try await until("the new version does not arrive") {
            (try? text(pair.b, "log.txt")) == "from the peer\n"
          }
        }
        func write(_ text: String) { #expect(Glibc.write(file, text, text.utf8.count) == text.utf8.count) }
        write("written late\n")
        try await until("what was written late is not kept") {
          try Trees.read(pair.b.folder).keys.contains(where: isCopy)
        }
        write("and later\n")
        close(file)
        try await pair.equal()
        let tree = try Trees.read(pair.a.folder)
        let copies = tree.filter { isCopy($0.key) }
        #expect(copies.count == 1)
        #expect(copies.first?.value.content == Data("begin\nwritten late\nand later\n".utf8))
        #expect(tree.count == (deleted ? 1 : 2))
        let listed = try await pair.b.succeed(["conflicts"])
        #expect(listed.contains("log.conflict-"), "\(listed)")
      }
    }

    /// The program goes on writing while the node is off: the first sweep of the next start finds it.
    @Test(.timeLimit(.minutes(2)))
    func whatIsWrittenLateWhileTheNodeIsOff() async throws {
      try await Lab.pair { pair in
        try pair.a.write("log.txt", "begin\n")
        try await pair.equal()
        let file = open(pair.b.path("log.txt"), O_WRONLY | O_APPEND)
        #expect(file >= 0)
        try pair.a.write("log.txt", "from the peer\n")
        try await until("the new version does not arrive") { (try? text(pair.b, "log.txt")) == "from the peer\n" }
        await pair.b.stop()
        let left = time(nil)
        // Only times tell then, and names have whole seconds.
        try await until("the clock does not go on") { time(nil) >= left + 3 }
        let late = "written late\n"
        #expect(Glibc.write(file, late, late.utf8.count) == late.utf8.count)
        close(file)
        try await pair.startB()
        try await until("what was written late is not kept") {
          try Trees.read(pair.a.folder).keys.contains(where: isCopy)
        }
        try await pair.equal()
        let copy = try #require(try Trees.read(pair.a.folder).first { isCopy($0.key) })
        #expect(copy.value.content == Data("begin\nwritten late\n".utf8))
      }
    }

    private func isCopy(_ path: String) -> Bool { path.hasPrefix("log.conflict-") }
  }
}
