import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// What concerns a whole folder: stopping to watch it, dropping local changes, deletions too many to be believed.
  @Suite struct FolderTests {
    private func write(_ count: Int, to node: TestNode) throws {
      #expect(mkdir(node.path("d"), 0o755) == 0)
      for number in 1...count { try node.write("d/file\(number)", "content \(number)") }
    }

    private func files(_ node: TestNode) throws -> Int {
      try Trees.read(node.folder).values.count { $0.kind == S_IFREG }
    }

    // MARK: The brake

    @Test(.timeLimit(.minutes(2)))
    func aMassDeletionWaitsForConfirmation() async throws {
      try await Lab.pair { pair in
        try write(150, to: pair.a)
        try await pair.equal()
        await pair.b.stop()
        for number in 1...100 { #expect(unlink(pair.b.path("d/file\(number)")) == 0) }
        try await pair.startB()
        try await until("the deletions are not held") {
          try await NodeStatus.of(pair.b).blocked.contains { $0.reason == "mass-deletion" }
        }
        let notice = try #require(try await NodeStatus.of(pair.b).folders.first?.notice)
        #expect(notice.contains("100 of 150 files") && notice.contains("softadastra folder confirm-deletions folder"))
        // What is done meanwhile goes both ways, and an edit of a file that is held brings it back.
        try pair.b.write("new", "made while held")
        try pair.a.write("d/file1", "edited while held")
        try await until("it does not go on") {
          try files(pair.a) == 151
            && (try? String(contentsOfFile: pair.b.path("d/file1"), encoding: .utf8))
              == "edited while held"
        }
        let waited = try await pair.b.run(["wait", "--timeout", "1s"])
        #expect(waited.code == 75 && waited.errors.contains("are gone"), "\(waited.errors)")
        let confirmed = try await pair.b.run(["folder", "confirm-deletions", "folder"])
        #expect(confirmed.code == 0, "\(confirmed.errors)")
        try await pair.equal()
        #expect(try files(pair.a) == 52)
        #expect(try await pair.b.run(["folder", "confirm-deletions", "folder"]).code == 1)
        // And everything can be had back where it was deleted from remote.
        try await pair.a.succeed(["restore", pair.a.path("d")])
        try await pair.equal()
        #expect(try files(pair.b) == 151)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func filesThatComeBackReleaseIt() async throws {
      try await Lab.pair { pair in
        try write(150, to: pair.a)
        try await pair.equal()
        await pair.b.stop()
        #expect(rename(pair.b.path("d"), pair.lab.base + "/away") == 0)
        try await pair.startB()
        try await until("the deletions are not held") {
          try await NodeStatus.of(pair.b).blocked.contains { $0.reason == "mass-deletion" }
        }
        #expect(try files(pair.a) == 150)
        #expect(rename(pair.lab.base + "/away", pair.b.path("d")) == 0)
        try await until("it is not released") { try await NodeStatus.of(pair.b).blocked.isEmpty }
        try await pair.equal()
        #expect(try files(pair.a) == 150)
        try pair.expectNoConflicts()
      }
    }

    /// A directory that was renamed while the node was off is no mass deletion.
    @Test(.timeLimit(.minutes(2)))
    func aRenamedDirectoryIsNotHeld() async throws {
      try await Lab.pair { pair in
        try write(150, to: pair.a)
        try await pair.equal()
        await pair.b.stop()
        #expect(rename(pair.b.path("d"), pair.b.path("renamed")) == 0)
        try await pair.startB()
        try await pair.equal()
        #expect(try Trees.read(pair.a.folder).keys.contains("renamed/file1"))
        #expect(try files(pair.a) == 150)
      }
    }

    // MARK: Removing

    @Test(.timeLimit(.minutes(2)))
    func removedAndWatchedAgain() async throws {
      try await Lab.pair { pair in
        try pair.a.write("one", "1")
        try await pair.equal()
        try await pair.b.succeed(["folder", "remove", "folder"])
        #expect(try await NodeStatus.of(pair.b).folders.isEmpty)
        #expect(try await pair.b.run(["folder", "remove", "folder"]).code == 1)
        try pair.a.write("two", "2")
        try pair.b.write("three", "3")
        #expect(try await pair.a.run(["wait", "--timeout", "20s"]).code == 0)
        #expect(try Trees.read(pair.b.folder).keys.sorted() == ["one", "three"])
        #expect(try Trees.read(pair.a.folder).keys.sorted() == ["one", "two"])
        await pair.b.stop()
        try await pair.startB()
        try await pair.equal()
        #expect(try Trees.read(pair.a.folder).keys.sorted() == ["one", "three", "two"])
        try pair.expectNoConflicts()
      }
    }

    /// Another directory, empty, in its place: it is filled, and nothing is deleted anywhere.
    @Test(.timeLimit(.minutes(2)), arguments: ["--name", "--adopt"])
    func watchedAgainInAnotherPlace(how: String) async throws {
      try await Lab.pair { pair in
        for number in 1...20 { try pair.a.write("file\(number)", "content \(number)") }
        try pair.b.write("of-b", "b's own")
        try await pair.equal()
        if how == "--name" { try await pair.b.succeed(["folder", "remove", pair.b.folder]) }
        await pair.b.stop()
        #expect(rename(pair.b.folder, pair.b.directory + "/old") == 0)
        #expect(mkdir(pair.b.folder, 0o755) == 0)
        try pair.b.write("file1", "content 1")
        let place = ["--peer", pair.addressOfA]
        try await pair.b.start(place + (how == "--name" ? ["--name", "folder"] : ["--adopt", "--name", "folder"]))
        try await pair.equal()
        #expect(try files(pair.a) == 21 && files(pair.b) == 21)
      }
    }

    // MARK: Receiving only

    @Test(.timeLimit(.minutes(2)))
    func revertDropsLocalChanges() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        let b = try lab.node("b")
        let ready = try await a.start()
        let invite = try #require(ready.invite)
        for name in ["edited", "deleted", "same"] { try a.write(name, "of a: \(name)") }
        #expect(mkdir(a.path("d"), 0o755) == 0)
        for number in 1...5 { try a.write("d/\(number)", "\(number)") }
        try await b.start(["--peer", ready.address, "--join", invite, "--mode", "receive-only"])
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        try b.write("edited", "changed on b")
        #expect(unlink(b.path("deleted")) == 0)
        #expect(chmod(b.path("same"), 0o600) == 0)
        try FileManager.default.removeItem(atPath: b.path("d"))
        #expect(mkdir(b.path("own"), 0o755) == 0)
        try b.write("own/made", "on b")
        try await until("local changes are not listed") {
          let blocked = try await NodeStatus.of(b).blocked
          return ["edited", "deleted", "own/made"].allSatisfy { path in
            blocked.contains { $0.path == path && $0.reason == "local-change" }
          }
        }
        #expect(try Trees.read(a.folder)["edited"]?.content == Data("of a: edited".utf8))
        let refused = try await a.run(["folder", "revert", "folder"])
        #expect(refused.code == 1 && refused.errors.contains("not receive-only"), "\(refused.errors)")
        let reverted = try await b.run(["folder", "revert", "folder"])
        #expect(reverted.code == 0, "\(reverted.errors)")
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        try await until("something is still listed") { try await NodeStatus.of(b).blocked.isEmpty }
        let versions = try await b.succeed(["versions", b.folder])
        #expect(versions.contains("own/made") && versions.contains("reverted"), "\(versions)")
      }
    }

    /// A path as `status` shows it goes to the folder that knows it; what nobody knows is said to be unknown.
    @Test(.timeLimit(.minutes(1)))
    func whatIsTriedAgain() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.start()
        for name in ["second", "third"] {
          let other = lab.base + "/" + name
          try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
          #expect(mkfifo(other + "/pipe-\(name)", 0o644) == 0)
          let (child, _) = try node.launch(["watch", other])
          try await until("\(name) is not watched") {
            try await node.succeed(["status"]).contains("blocked pipe-\(name)")
          }
          await child.end(.seconds(10))
        }
        for path in ["pipe-second", "pipe-third", lab.base + "/third/pipe-third", node.folder] {
          try await node.succeed(["sync", "retry", path])
        }
        let unknown = try await node.run(["sync", "retry", "nothing"])
        #expect(unknown.code == 1 && unknown.errors.contains("no watched folder knows of it"))
        let outside = try await node.run(["sync", "retry", "/nowhere/at/all"])
        #expect(outside.code == 1 && outside.errors.contains("none of the watched folders"))
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func addressesComeAndGo() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.succeed(["peers", "add", "192.0.2.1:22420"])
        try await node.succeed(["peers", "remove", "192.0.2.1:22420"])
        try await node.start()
        try await node.succeed(["peers", "add", "192.0.2.1:22420"])
        try await node.succeed(["peers", "remove", "192.0.2.1:22420"])
        let again = try await node.run(["peers", "remove", "192.0.2.1:22420"])
        #expect(again.code == 1 && again.errors.contains("it was not added"))
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func listing() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.start()
        let listed = try await node.succeed(["folder"])
        #expect(listed.contains("send-receive") && listed.contains(node.folder), "\(listed)")
        await node.stop()
        #expect(try await node.succeed(["folder", "list"]).contains("stopped"))
        #expect(try await node.run(["folder", "confirm-deletions", "folder"]).code == 69)
        try await node.succeed(["folder", "remove", "folder"])
        #expect(try await node.succeed(["folder", "list", "--json"]).contains("[\n\n]"))
      }
    }
  }
}
