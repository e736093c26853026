import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// State directories that were copied, restored or lost.
  @Suite struct CopiedStateTests {
    /// A second machine has the same paths: its home and folder are bound over the first one's, in a mount namespace.
    private static func machine(_ name: String, in lab: Lab, like original: TestNode) throws -> TestNode {
      let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\""
      let directory = lab.base + "/" + name
      return try lab.node(
        name,
        prefix: [
          "/usr/bin/env", "unshare", "-m", "sh", "-c", script, "sh", directory, original.directory,
        ], at: original)
    }

    private static var canMount: Bool {
      guard geteuid() == 0 else { return false }
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["unshare", "-m", "sh", "-c", "mount --bind /tmp /mnt"]
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }

    private static func copy(_ from: String, to: String) throws {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["cp", "-a", from + "/.", to]
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }

    /// Noticed, said, nothing lost.
    @Test(.enabled(if: canMount), .timeLimit(.minutes(2)))
    func copiedToASecondMachineAndBothStarted() async throws {
      try await Lab.pair { pair in
        try pair.a.write("common", "1")
        try await pair.equal()
        await pair.b.stop()
        try pair.b.write("before-the-copy", "not yet seen by anybody")
        let c = try Self.machine("c", in: pair.lab, like: pair.b)
        try Self.copy(pair.b.directory, to: c.directory)
        try pair.b.write("common", "edited on b")
        try pair.b.write("from-b", "b")
        try c.write("common", "edited on c, longer")
        try c.write("from-c", "c")
        try await pair.startB()
        try await c.start(["--peer", pair.addressOfA])
        #expect(c.errorText.contains("this state directory was copied or restored"))
        #expect(!pair.b.errorText.contains("copied"))
        try await until("not everything is everywhere") {
          let trees = try [pair.a, pair.b, c].map { try Trees.read($0.folder).mapValues(\.content) }
          let contents = Set(trees[0].values)
          return trees[0] == trees[1] && trees[1] == trees[2]
            && contents.isSuperset(
              of: ["edited on b", "edited on c, longer", "b", "c", "not yet seen by anybody"].map { Data($0.utf8) })
        }
        let tree = try Trees.read(pair.a.folder)
        #expect(tree.count == 5, "\(tree.keys.sorted())")
        #expect(tree.keys.filter { $0.contains(".conflict-") }.count == 1)
        #expect(pair.a.eventText.contains("a copy of b's state"))
        // Each is a member by itself, and goes on as one.
        let waited = try await pair.a.run(["wait", "--timeout", "30s", "--peers", "2"])
        #expect(waited.code == 0, "\(waited.errors)")
        await c.stop()
        try c.write("later", "c")
        try await c.start(["--peer", pair.addressOfA])
        try await until("c's later change does not arrive") { try Trees.read(pair.b.folder)["later"] != nil }
        #expect(
          c.errorText.components(separatedBy: "was copied or restored").count == 2, "said at the first start only")
      }
    }

    /// In place: neither machine nor directory tell it. The others do.
    @Test(.timeLimit(.minutes(2)))
    func aBackupRestoredInPlaceIsNoticedByPeers() async throws {
      try await Lab.pair { pair in
        for number in 1...5 { try pair.b.write("file\(number)", "first") }
        try await pair.equal()
        await pair.b.stop()
        let backup = pair.lab.base + "/backup"
        try FileManager.default.createDirectory(atPath: backup, withIntermediateDirectories: true)
        try Self.copy(pair.b.home, to: backup)
        try await pair.startB()
        for number in 1...3 { try pair.b.write("file\(number)", "second") }
        try pair.b.write("after-the-backup", "kept")
        #expect(unlink(pair.b.path("file5")) == 0)
        try await pair.equal()
        await pair.b.stop()
        // Restored: the files of the log, not its directory.
        for name in try FileManager.default.contentsOfDirectory(atPath: pair.b.home + "/log") {
          try FileManager.default.removeItem(atPath: pair.b.home + "/log/" + name)
        }
        try Self.copy(backup + "/log", to: pair.b.home + "/log")
        try pair.b.write("file4", "third, by the restored one")
        try pair.a.write("file1", "third, by a")
        try await pair.startB()
        try await until("it is not told on both sides") {
          pair.a.eventText.contains("goes on from a state that was restored")
            && pair.b.eventText.contains("was restored from a backup, or copied")
        }
        let warnings = pair.a.eventText.components(separatedBy: "goes on from a state that was restored").count - 1
        #expect(warnings == 1, "told once, not \(warnings) times")
        try await until("not everything is everywhere") {
          let trees = try [pair.a, pair.b].map { try Trees.read($0.folder).mapValues(\.content) }
          return trees[0] == trees[1] && trees[0]["file4"] == Data("third, by the restored one".utf8)
            && trees[0].values.contains(Data("third, by a".utf8)) && trees[0]["after-the-backup"] != nil
        }
        try await pair.equal()
        let tree = try Trees.read(pair.a.folder)
        #expect(tree["file2"]?.content == Data("second".utf8) && tree["file3"]?.content == Data("second".utf8))
        #expect(tree["file5"] == nil, "deleted stays deleted")
      }
    }

    /// The store is gone, the folder and the key are there: joined anew, everything merges by content.
    @Test(.timeLimit(.minutes(2)))
    func aLostStoreJoinsAnew() async throws {
      try await Lab.pair { pair in
        for number in 1...20 { try pair.a.write("file\(number)", "content \(number)") }
        try await pair.equal()
        await pair.b.stop()
        try FileManager.default.removeItem(atPath: pair.b.home + "/log")
        try pair.b.write("file1", "edited on b")
        try pair.b.write("from-b", "b")
        let invite = try await pair.a.succeed(["invite"])
        try await pair.b.start(["--peer", pair.addressOfA, "--join", invite])
        try await until("b's work does not arrive") {
          let tree = try Trees.read(pair.a.folder).mapValues(\.content)
          return tree["from-b"] == Data("b".utf8) && tree.values.contains(Data("edited on b".utf8))
        }
        try await pair.equal()
        let tree = try Trees.read(pair.a.folder)
        // Two versions of one name, neither of which knows the other: both are kept.
        #expect(tree.values.contains { $0.content == Data("content 1".utf8) })
        #expect(tree.count == 22, "\(tree.keys.sorted())")
      }
    }
  }
}
