import Foundation
import Glibc
import Testing

extension Integration {
  /// One change after the other, in both directions, each carried over whole.
  @Suite struct MirrorTests {
    @Test(.timeLimit(.minutes(2)))
    func everyKindOfChange() async throws {
      try await Lab.pair { pair in
        for (here, there) in [(pair.a, pair.b), (pair.b, pair.a)] {
          _ = there
          try here.write("file.txt", "one\n")
          try await pair.equal()
          try here.write("file.txt", "another content\n")
          try await pair.equal()
          let handle = try FileHandle(forWritingTo: URL(filePath: here.path("file.txt")))
          try handle.seekToEnd()
          try handle.write(contentsOf: Data("appended\n".utf8))
          try handle.close()
          try await pair.equal()
          #expect(truncate(here.path("file.txt"), 3) == 0)
          try await pair.equal()
          #expect(rename(here.path("file.txt"), here.path("renamed.txt")) == 0)
          try await pair.equal()
          #expect(chmod(here.path("renamed.txt"), 0o750) == 0)
          try await pair.equal()
          var times = [
            timespec(tv_sec: 1_000_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000_000, tv_nsec: 123_456_789),
          ]
          #expect(utimensat(AT_FDCWD, here.path("renamed.txt"), &times, 0) == 0)
          try await pair.equal()
          #expect(symlink("../outside/of it", here.path("link")) == 0)
          try await pair.equal()
          #expect(mkdir(here.path("empty"), 0o700) == 0)
          let deep = "deep/" + (1...30).map { "level \($0)" }.joined(separator: "/")
          try FileManager.default.createDirectory(atPath: here.path(deep), withIntermediateDirectories: true)
          try here.write("\(deep)/leaf", "leaf")
          try await pair.equal()
          #expect(rename(here.path("deep"), here.path("moved")) == 0)
          try await pair.equal()
          try FileManager.default.removeItem(atPath: here.path("moved"))
          try await pair.equal()
          #expect(
            unlink(here.path("renamed.txt")) == 0 && unlink(here.path("link")) == 0 && rmdir(here.path("empty")) == 0)
          try await pair.equal()
          #expect(try Trees.read(pair.a.folder).isEmpty)
        }
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func typesChangeAndBack() async throws {
      try await Lab.pair { pair in
        try pair.a.write("thing", "a file")
        try await pair.equal()
        #expect(unlink(pair.b.path("thing")) == 0 && mkdir(pair.b.path("thing"), 0o755) == 0)
        try pair.b.write("thing/inside", "now a directory")
        try await pair.equal()
        try FileManager.default.removeItem(atPath: pair.a.path("thing"))
        #expect(symlink("elsewhere", pair.a.path("thing")) == 0)
        try await pair.equal()
        #expect(unlink(pair.b.path("thing")) == 0)
        try pair.b.write("thing", "a file again")
        try await pair.equal()
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func oddNames() async throws {
      try await Lab.pair { pair in
        let names: [[UInt8]] = [
          [UInt8](repeating: 0x61, count: 255), Array("line\nbreak".utf8), [0xFF, 0xFE, 0x2E, 0x74],
          Array("\u{1B}[31mred".utf8), Array(" leading and trailing ".utf8), Array("ä".utf8), Array("a\u{308}".utf8),
          Array("CASE".utf8), Array("case".utf8), Array("-rf".utf8), Array("*?[x]".utf8),
        ]
        for name in names {
          let path = (Array("\(pair.a.folder)/".utf8) + name).map { CChar(bitPattern: $0) } + [0]
          let descriptor = open(path, O_WRONLY | O_CREAT, 0o644)
          #expect(descriptor >= 0)
          #expect(Glibc.write(descriptor, name, name.count) == name.count)
          close(descriptor)
        }
        try await pair.equal()
        #expect(try Trees.read(pair.b.folder).count == names.count)
        let shown = try await pair.a.succeed(["status"])
        #expect(!shown.contains("\u{1B}"))
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func largeFileAndAnInsertionInIt() async throws {
      try await Lab.pair { pair in
        var random = SystemRandomNumberGenerator()
        var bytes = Data(count: 20 << 20)
        for index in stride(from: 0, to: bytes.count, by: 8) {
          withUnsafeBytes(of: random.next()) { bytes.replaceSubrange(index..<index + 8, with: $0) }
        }
        try bytes.write(to: URL(filePath: pair.a.path("big")))
        try await pair.equal(within: .seconds(60))
        bytes.insert(contentsOf: Data("inserted".utf8), at: 1 << 20)
        try bytes.write(to: URL(filePath: pair.b.path("big")))
        try await pair.equal(within: .seconds(60))
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func gitRepository() async throws {
      try await Lab.pair { pair in
        func git(_ directory: String, _ arguments: String...) throws -> String {
          let process = Process()
          process.executableURL = URL(filePath: "/usr/bin/env")
          process.arguments =
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", directory] + arguments
          process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": pair.lab.base,
            "GIT_CONFIG_NOSYSTEM": "1",
          ]
          let pipe = Pipe()
          process.standardOutput = pipe
          process.standardError = pipe
          try process.run()
          let output = pipe.fileHandleForReading.readDataToEndOfFile()
          process.waitUntilExit()
          let text = String(decoding: output, as: UTF8.self)
          guard process.terminationStatus == 0 else { throw Failure("git \(arguments): \(text)") }
          return text
        }
        let origin = pair.lab.base + "/origin"
        try FileManager.default.createDirectory(atPath: origin, withIntermediateDirectories: true)
        _ = try git(origin, "init", "-q", "-b", "main")
        for number in 1...30 {
          let directory = "\(origin)/part\(number % 5)"
          try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
          try Data("\(number)\n".utf8).write(to: URL(filePath: "\(directory)/file\(number)"))
          _ = try git(origin, "add", "-A")
          _ = try git(origin, "commit", "-q", "-m", "commit \(number)")
        }
        _ = try git(pair.a.folder, "clone", "-q", origin, "repository")
        let here = pair.a.path("repository")
        let there = pair.b.path("repository")
        try await pair.equal()
        _ = try git(here, "checkout", "-q", "HEAD~10")
        _ = try git(here, "checkout", "-q", "main")
        try Data("new\n".utf8).write(to: URL(filePath: here + "/new"))
        _ = try git(here, "add", "-A")
        _ = try git(here, "commit", "-q", "-m", "on a")
        try await pair.equal()
        _ = try git(here, "gc", "-q")
        try await pair.equal()
        _ = try git(there, "fsck", "--strict")
        #expect(try git(there, "status", "--porcelain") == "")
        #expect(try git(there, "log", "-1", "--format=%s") == "on a\n")
        try pair.expectNoConflicts()
      }
    }

    /// More events than the kernel queues for a watcher that is not quick enough.
    @Test(.timeLimit(.minutes(5)))
    func aBurstThatOverflowsTheQueue() async throws {
      try await Lab.pair { pair in
        for directory in 0..<30 {
          #expect(mkdir(pair.a.path("d\(directory)"), 0o755) == 0)
          for file in 0..<1000 {
            let descriptor = open(pair.a.path("d\(directory)/f\(file)"), O_WRONLY | O_CREAT, 0o644)
            let text = Array("\(directory) \(file)".utf8)
            _ = Glibc.write(descriptor, text, text.count)
            close(descriptor)
          }
        }
        try await pair.equal(within: .seconds(180))
        try pair.expectNoConflicts()
      }
    }
  }
}
