import Foundation
import Glibc
import SoftadastraCLI
import Testing

extension Integration {
  /// A node that nobody watches over: what is missing holds up nothing else, and it ends when it is told to.
  @Suite struct ServiceTests {
    private static let loopback = ["--listen", "127.0.0.1:0", "--no-discovery"]

    private func until(_ patience: Duration = .seconds(15), _ condition: () async throws -> Bool) async throws {
      let deadline = ContinuousClock.now + patience
      while try await !condition() {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(20))
      }
    }

    @Test(.timeLimit(.minutes(2))) func anInviteWhoseInviterIsAwayHoldsUpNothing() async throws {
      try await Lab.use { lab in
        let (a, b, c) = (try lab.node("a"), try lab.node("b"), try lab.node("c"))
        let invite = try #require(try await a.start().invite)
        try await b.start()
        for node in [a, b] { #expect(await node.stop() == 0) }
        for node in [b, c] { #expect(try await node.run(["join", invite]).code == 0) }
        // Mirrored before: it goes on.
        try await b.start()
        try await until { try await NodeStatus.of(b).folders.map(\.state) == ["idle"] }
        // New: the group's, or nobody's. It waits for the inviter, and says so.
        try await c.start()
        #expect(c.errorText.contains("new folders wait for the invite"))
        #expect(try await NodeStatus.of(c).folders.isEmpty)
        let before = ContinuousClock.now
        _ = try await c.succeed(["node", "stop"])
        #expect(ContinuousClock.now - before < .seconds(8))
        // Started again at once: `stop` returned when it had ended.
        for _ in 0..<4 {
          _ = try await b.succeed(["node", "stop"])
          try await b.start()
        }
      }
    }

    @Test(.timeLimit(.minutes(2))) func aConfiguredFolderThatIsMissingHoldsUpNoOther() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        let other = "\(a.directory)/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: a.home, withIntermediateDirectories: true)
        try Data("folders = [\"\(a.folder)\", \"\(other)\"]\n".utf8).write(to: URL(filePath: "\(a.home)/config.toml"))
        func states() async throws -> [String] {
          guard try await a.run(["node", "--json"]).output.contains("\"running\" : true") else { return [] }
          return try await NodeStatus.of(a).folders.map(\.state).sorted()
        }
        let first = try a.launch(["watch", "--json"] + Self.loopback).child
        defer { first.kill() }
        try await until { try await states() == ["idle", "idle"] }
        first.stop()
        #expect(await first.wait(.seconds(20)) == 0)
        for isThere in [false, true] {
          try FileManager.default.removeItem(atPath: other)
          if isThere { try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true) }
          let (again, errors) = try a.launch(["watch", "--json"] + Self.loopback)
          defer { again.kill() }
          try await until { try await states() == ["idle", "stopped"] }
          #expect(try String(contentsOfFile: errors, encoding: .utf8).contains("warning: "))
          again.stop()
          #expect(await again.wait(.seconds(20)) == 0)
          if !isThere { try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true) }
        }
        // None of them: that is no service.
        for path in [a.folder, other] { try FileManager.default.removeItem(atPath: path) }
        #expect(try await a.run(["watch", "--json"] + Self.loopback).code == 1)
      }
    }

    @Test(.timeLimit(.minutes(2))) func aReaderThatPausesDoesNotKeepItFromEnding() async throws {
      try await Lab.use { lab in
        let pipe = FileManager.default.temporaryDirectory.path + "/softadastra-pipe-\(UUID().uuidString.prefix(8))"
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let (a, b) = (try lab.node("a"), try lab.node("b", prefix: ["/bin/sh", "-c", "exec \"$0\" \"$@\" > \(pipe)"]))
        for number in 1...2000 { try a.write("file\(number)", "\(number)") }
        let ready = try await a.start()
        let watch = ["watch", b.folder, "--json", "--peer", ready.address, "--join", try #require(ready.invite)]
        let child = try b.launch(watch + Self.loopback).child
        defer { child.kill() }
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        // An event for each of them is more than a pipe holds.
        try await Task.sleep(for: .seconds(1))
        let before = ContinuousClock.now
        child.stop()
        #expect(await child.wait(.seconds(20)) == 0)
        #expect(ContinuousClock.now - before < .seconds(8))
      }
    }
  }
}
