import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// Members that meet through others, and one that returns when deletions are forgotten.
  @Suite struct AwayTests {
    private struct StoreStatus: Decodable {
      struct Store: Decodable { var tombstones: Int }
      var store: Store
    }

    private static func tombstones(_ node: TestNode) async throws -> Int {
      let text = try await node.succeed(["status", "--json"])
      return try JSONDecoder().decode(StoreStatus.self, from: Data(text.utf8)).store.tombstones
    }

    private static func untilForgotten(_ nodes: TestNode..., sourceLocation: SourceLocation = #_sourceLocation)
      async throws
    {
      try await until("deletions are remembered for ever", within: .seconds(90)) {
        // Asked for, not waited for.
        for node in nodes { try await node.succeed(["sync", "tick"]) }
        for node in nodes where try await tombstones(node) > 0 { return false }
        return true
      }
    }

    private static func join(_ lab: Lab, _ names: [String], settings: String = "") async throws -> (
      nodes: [TestNode], address: String
    ) {
      let nodes = try names.map { try lab.node($0) }
      for node in nodes where !settings.isEmpty {
        try FileManager.default.createDirectory(atPath: node.home, withIntermediateDirectories: true)
        try Data(settings.utf8).write(to: URL(filePath: node.home + "/config.toml"))
      }
      let middle = nodes[1]
      let address = try await middle.start().address
      for node in nodes where node !== middle {
        let invite = try await middle.succeed(["invite"])
        try await node.start(["--peer", address, "--join", invite])
      }
      return (nodes, address)
    }

    /// The first and the third are never on at the same time after they joined.
    @Test(.timeLimit(.minutes(4)))
    func aChainConvergesAndForgets() async throws {
      try await Lab.use { lab in
        let (nodes, address) = try await Self.join(lab, ["a", "b", "c"])
        let (a, b, c) = (nodes[0], nodes[1], nodes[2])
        for number in 1...6 { try a.write("file\(number)", "first \(number)") }
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        try await Trees.untilEqual(b.folder, c.folder, within: .seconds(30))
        await c.stop()
        #expect(unlink(a.path("file1")) == 0)
        try a.write("file2", "edited on a")
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        await a.stop()
        try c.write("from-c", "c")
        #expect(unlink(c.path("file3")) == 0)
        try await c.start(["--peer", address])
        try await until("c and b differ") {
          let tree = try Trees.read(c.folder)
          let others = try Trees.read(b.folder)
          return tree["file1"] == nil && tree["file2"]?.content == Data("edited on a".utf8) && tree == others
            && others["file3"] == nil
        }
        #expect(try await Self.tombstones(b) > 0, "the first does not know of the third's deletion")
        // They take turns until each has heard, through the second, how far the other is. Ticks are asked for instead of
        // waited for.
        var on = c
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(150)
        var next = clock.now + .seconds(3)
        while try await Self.tombstones(b) > 0 {
          try #require(clock.now < deadline, "the second remembers deletions for ever")
          if clock.now > next {
            await on.stop()
            on = on === c ? a : c
            try await on.start(["--peer", address])
            next = clock.now + .seconds(3)
          }
          for node in [on, b] { try await node.succeed(["sync", "tick"]) }
          try await Task.sleep(for: .milliseconds(200))
        }
        for node in [a, c] {
          await on.stop()
          on = node
          try await on.start(["--peer", address])
          try await Trees.untilEqual(b.folder, on.folder, within: .seconds(30))
          try await Self.untilForgotten(on)
        }
        #expect(try Set(Trees.read(a.folder).keys) == ["file2", "file4", "file5", "file6", "from-c"])
        #expect(try Trees.difference(a.folder, c.folder) == nil)
        #expect(!a.eventText.contains("had been deleted while this node was away"))
        #expect(!c.eventText.contains("had been deleted while this node was away"))
      }
    }

    @Test(.timeLimit(.minutes(4)))
    func onePeerReturnsAfterTheTombstonesAreGone() async throws {
      try await Lab.use { lab in
        let (nodes, address) = try await Self.join(lab, ["a", "b", "c"], settings: "away-days = 0\n")
        let (a, b, c) = (nodes[0], nodes[1], nodes[2])
        try FileManager.default.createDirectory(atPath: a.path("tree/below"), withIntermediateDirectories: true)
        for name in ["untouched", "edited", "kept", "recreated", "tree/below/deep"] { try a.write(name, "old \(name)") }
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        try await Trees.untilEqual(b.folder, c.folder, within: .seconds(30))
        await c.stop()
        for name in ["untouched", "edited", "recreated"] { #expect(unlink(a.path(name)) == 0) }
        try FileManager.default.removeItem(atPath: a.path("tree"))
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        try await Self.untilForgotten(a, b)
        try b.write("recreated", "again")
        try c.write("edited", "by c, while it was away")
        try c.write("new", "of c")
        try await c.start(["--peer", address])
        try await until("they differ") {
          let trees = try nodes.map { try Trees.read($0.folder).mapValues(\.content) }
          return trees[0] == trees[1] && trees[1] == trees[2]
            && trees[0] == [
              "edited": Data("by c, while it was away".utf8), "kept": Data("old kept".utf8), "new": Data("of c".utf8),
              "recreated": Data("again".utf8),
            ]
        }
        // Neither silently nor for good.
        try await until("c does not say what it deleted") {
          c.eventText.contains("had been deleted while this node was away")
        }
        try await c.succeed(["restore", c.path("untouched")])
        try await until("what was restored does not come back") {
          try Trees.read(a.folder)["untouched"]?.content == Data("old untouched".utf8)
        }
        try await Self.untilForgotten(a, b, c)
      }
    }
  }
}
