import Foundation
import Glibc
import Testing

extension Integration {
  /// A folder that is joined by a directory with files in it.
  @Suite struct JoinTests {
    private static func inode(_ path: String) throws -> UInt {
      try #require(DiskStatus(path)).inode
    }

    private static func setModified(_ path: String, _ seconds: Int) throws {
      var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
      try #require(utimensat(AT_FDCWD, path, &times, 0) == 0)
    }

    /// Equal content: no transfer, no conflict. Different content: both are kept. What one alone has, the other gets.
    @Test(.timeLimit(.minutes(2)))
    func itMergesByContent() async throws {
      try await Lab.use { lab in
        let (a, b) = (try lab.node("a"), try lab.node("b"))
        var generator = SystemRandomNumberGenerator()
        let large = Data((0..<(6 << 20)).map { _ in UInt8.random(in: 0...255, using: &generator) })
        for node in [a, b] {
          try FileManager.default.createDirectory(
            atPath: node.path("directory/below"), withIntermediateDirectories: true)
          try large.write(to: URL(filePath: node.path("directory/large")))
          for number in 1...30 { try node.write("directory/below/same\(number)", "same content \(number)") }
          try node.write("empty", "")
        }
        // Copied by a tool that keeps no times.
        try Self.setModified(b.path("directory/large"), 1_600_000_000)
        try Self.setModified(b.path("directory/below/same1"), 1_600_000_000)
        #expect(symlink("large", a.path("directory/link")) == 0 && symlink("large", b.path("directory/link")) == 0)
        try a.write("differs.txt", "a's")
        try b.write("differs.txt", "b's, longer")
        try a.write("only-a", "a")
        try b.write("only-b", "b")
        try FileManager.default.createDirectory(atPath: a.path("thing"), withIntermediateDirectories: true)
        try a.write("thing/inside", "in a's directory")
        try b.write("thing", "b's file")
        let names = ["directory/large", "empty"] + (1...30).map { "directory/below/same\($0)" }
        let inodes = try [a, b].map { node in try names.map { try Self.inode(node.path($0)) } }

        let ready = try await a.start()
        let invite = try #require(ready.invite)
        try await b.start(["--peer", ready.address, "--join", invite])
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        for node in [a, b] {
          let waited = try await node.run(["wait", "--timeout", "30s", "--peers", "1"])
          #expect(waited.code == 0, "\(waited.errors)")
        }
        #expect(try Trees.difference(a.folder, b.folder) == nil)
        let tree = try Trees.read(a.folder)
        let copies = tree.keys.filter { $0.contains(".conflict-") }.sorted()
        #expect(copies.count == 2, "\(copies)")
        #expect(
          copies.first?.hasPrefix("differs.conflict-") == true && copies.last?.hasPrefix("thing.conflict-") == true)
        let contents = Set(tree.values.map(\.content))
        #expect(
          contents.isSuperset(
            of: ["a's", "b's, longer", "a", "b", "in a's directory", "b's file"].map { Data($0.utf8) }))
        #expect(tree["thing/inside"] != nil)
        // What was equal is the very file that lay there.
        let after = try [a, b].map { node in try names.map { try Self.inode(node.path($0)) } }
        #expect(after == inodes)
        #expect(tree["directory/large"]?.content == large)
      }
    }

    /// A node with a folder and values of its own group is killed while it goes over to another one.
    @Test(.timeLimit(.minutes(2)), arguments: [15, 25, 35, 60])
    func aKillWhileJoiningLosesNothing(milliseconds: Int) async throws {
      try await Lab.use { lab in
        let (a, b) = (try lab.node("a"), try lab.node("b"))
        for number in 1...200 { try b.write("file\(number)", "b's \(number)") }
        for number in 1...50 { try a.write("other\(number)", "a's \(number)") }
        let (atA, _) = (try await a.start(), try await b.start(["--name", "own"]))
        for number in 1...20 { _ = try await b.succeed(["store", "put", "key\(number)", "value \(number)"]) }
        let invite = try #require(atA.invite)
        let joining = try b.launch(["join", invite]).child
        try await Task.sleep(for: .milliseconds(milliseconds))
        await b.kill()
        _ = await joining.wait(.seconds(10))
        try await b.start(["--peer", atA.address])
        _ = try await b.succeed(["join", invite])
        // Watched, in whichever group: not with --adopt by a person.
        let folders = try await b.succeed(["folder", "list"])
        #expect(folders.contains("own ") && !folders.contains("stopped"), "\(folders)")
        for number in 1...20 {
          #expect(try await b.succeed(["store", "get", "key\(number)"]).hasPrefix("value \(number)"))
        }
        #expect(try Trees.read(b.folder).count == 200)
      }
    }
  }
}
