import Foundation
import Glibc
import Testing

extension Integration {
  /// Each mistake: one clear line, a hint, the contract's exit code, nothing changed.
  @Suite struct BadInputTests {
    private func expectRefusal(
      _ outcome: TestNode.Outcome, _ code: Int32, saying words: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(outcome.code == code, "\(outcome.errors)", sourceLocation: sourceLocation)
      let reasons = outcome.lines.filter { !$0.hasPrefix("hint: ") }
      #expect(reasons.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
      for word in words {
        #expect(outcome.errors.contains(word), "'\(word)' is not in: \(outcome.errors)", sourceLocation: sourceLocation)
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func keysAndCommands() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.succeed(["store", "put", "there", "1"])
        expectRefusal(try await node.run(["store", "get", "missing"]), 1, saying: "missing")
        expectRefusal(try await node.run(["store", "get", ""]), 64, saying: "empty")
        expectRefusal(try await node.run(["store", "put", "", "x"]), 64, saying: "empty")
        expectRefusal(try await node.run(["stroe"], home: false), 64, saying: "stroe")
        expectRefusal(try await node.run(["wait"]), 69, saying: "no node is running", "softadastra watch")
        expectRefusal(try await node.run(["sync", "tick"]), 69, saying: "no node is running")
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func invites() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        let b = try lab.node("b")
        let c = try lab.node("c")
        let ready = try await a.start()
        let good = try await a.succeed(["invite"])
        let mistyped = String(good.dropLast(3)) + (good.hasSuffix("aaa") ? "bbb" : "aaa")
        expectRefusal(try await watch(b, ["--join", mistyped]), 1, saying: "invite", "softadastra invite")
        expectRefusal(try await watch(b, ["--join", "nonsense"]), 1, saying: "invite")
        expectRefusal(try await b.run(["join", "nonsense"]), 1, saying: "invite")
        #expect(try Trees.read(b.folder).isEmpty)

        let short = try await a.succeed(["invite", "--expires", "1s"])
        try await Task.sleep(for: .seconds(2.1))
        let expired = try await watch(b, ["--peer", ready.address, "--join", short])
        expectRefusal(expired, 1, saying: "expired", "softadastra invite")

        try await b.start(["--peer", ready.address, "--join", good])
        let used = try await watch(c, ["--peer", ready.address, "--join", good])
        expectRefusal(used, 1, saying: "used", "softadastra invite")
        // The one that used it may say it again.
        await b.stop()
        try await b.start(["--peer", ready.address, "--join", good])
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func folders() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        expectRefusal(try await watch(a, [], folder: a.path("missing")), 1, saying: "missing", "does not exist")
        try a.write("file", "x")
        expectRefusal(try await watch(a, [], folder: a.path("file")), 1, saying: "not a directory")
        #expect(!FileManager.default.fileExists(atPath: a.home))
        #expect(unlink(a.path("file")) == 0)
        if geteuid() != 0 {
          #expect(chmod(a.folder, 0o500) == 0)
          expectRefusal(try await watch(a, []), 1, saying: "not writable")
          #expect(chmod(a.folder, 0o700) == 0)
        }
        try await a.start()
        #expect(mkdir(a.path("inner"), 0o755) == 0)
        expectRefusal(try await watch(a, [], folder: a.path("inner")), 1, saying: "inner")
        await a.stop()
        let stranger = try lab.node("stranger")
        expectRefusal(try await watch(stranger, [], folder: a.folder), 1, saying: "another group", "--adopt")
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func portHomeAndConfiguration() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        let b = try lab.node("b")
        let ready = try await a.start()
        let port = ready.address.split(separator: ":").last.map(String.init) ?? ""
        expectRefusal(try await watch(b, ["--listen", "127.0.0.1:\(port)"]), 1, saying: port)

        try FileManager.default.createDirectory(atPath: b.home, withIntermediateDirectories: true)
        try Data("# mine\nname = \"b\"\n  lisen = \"x\"\n".utf8).write(to: URL(filePath: b.home + "/config.toml"))
        let outcome = try await watch(b, [])
        expectRefusal(outcome, 1, saying: "\(b.home)/config.toml:3:3: unknown setting 'lisen'")
        expectRefusal(try await b.run(["config"]), 1, saying: "config.toml:3:3:")
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func aHomeThatAnotherProcessHolds() async throws {
      try await Lab.use { lab in
        let a = try lab.node("a")
        try await a.succeed(["store", "put", "k", "v"])
        // Whatever the lock file's name: hold every candidate.
        var held: [Int32] = []
        let files = FileManager.default.enumerator(atPath: a.home)?.compactMap { $0 as? String } ?? []
        for file in files where file.hasSuffix("lock") {
          let descriptor = open("\(a.home)/\(file)", O_RDWR)
          #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
          held.append(descriptor)
        }
        #expect(!held.isEmpty)
        expectRefusal(try await a.run(["store", "put", "k", "w"]), 1, saying: "lock")
        expectRefusal(try await watch(a, []), 1, saying: "lock")
        for descriptor in held { close(descriptor) }
        #expect(try await a.succeed(["store", "get", "k"]) == "v")
      }
    }

    private func watch(_ node: TestNode, _ arguments: [String], folder: String? = nil) async throws -> TestNode.Outcome
    {
      let place = arguments.contains("--listen") ? [] : ["--listen", "127.0.0.1:0"]
      return try await node.run(["watch", folder ?? node.folder, "--no-discovery"] + place + arguments)
    }
  }
}
