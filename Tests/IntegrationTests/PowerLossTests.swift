import Foundation
import Glibc
import Testing

extension Integration {
  /// A machine that lost its power: what the filesystem lost of the last seconds is healed, and never sent on.
  ///
  /// The test leaves on the disk what a filesystem may leave (empty files with their times, files that are gone, files that
  /// are back), and shows the node another boot of the machine.
  @Suite(.enabled(if: AnotherBoot.isPossible)) struct PowerLossTests {
    /// Empties a file as a lost write does: the time stays.
    private func lose(_ path: String) throws {
      let status = try #require(DiskStatus(path))
      try #require(truncate(path, 0) == 0)
      try #require(utimensat(AT_FDCWD, path, [status.accessed, status.modified], 0) == 0)
    }

    /// Work of this machine, of the last seconds. What came from peers is in the crash states of the mirror's tests.
    @Test(.timeLimit(.minutes(2)))
    func whatWasLostComesBack() async throws {
      try await Lab.use { lab in
        let b = try lab.node("b", prefix: AnotherBoot.prefix)
        let pair = Pair(lab: lab, a: try lab.node("a"), b: b)
        try await pair.begin()
        try pair.a.write("old", "before")
        try await pair.equal()
        // So that a mark is behind "old", and none before what follows.
        #expect(await b.stop() == 0)
        try await pair.startB()
        for name in ["empty", "gone", "fine"] { try b.write(name, "content of \(name)") }
        try b.write("old", "edited")
        try b.write("deleted", "soon deleted")
        try await pair.equal()
        #expect(unlink(b.path("deleted")) == 0)
        try await pair.equal()
        await b.kill()

        try lose(b.path("empty"))
        #expect(unlink(b.path("gone")) == 0)
        try b.write("deleted", "soon deleted")
        // The deletion was lost: the file is as old as it was.
        let before = timespec(tv_sec: time(nil) - 60, tv_nsec: 0)
        #expect(utimensat(AT_FDCWD, b.path("deleted"), [before, before], 0) == 0)
        try AnotherBoot.begin()
        try await pair.startB()
        try await pair.equal(within: .seconds(60))
        let tree = try Trees.read(pair.a.folder)
        #expect(Set(tree.keys) == ["old", "empty", "gone", "fine"])
        for name in ["empty", "gone", "fine"] { #expect(tree[name]?.content == Data("content of \(name)".utf8)) }
        #expect(tree["old"]?.content == Data("edited".utf8))
        #expect(try await b.succeed(["versions", b.path("empty")]).contains("recovered"))
      }
    }

    /// Whoever works in the folder after the machine came up again is heard.
    @Test(.timeLimit(.minutes(2)))
    func laterWorkCounts() async throws {
      try await Lab.use { lab in
        let b = try lab.node("b", prefix: AnotherBoot.prefix)
        let pair = Pair(lab: lab, a: try lab.node("a"), b: b)
        try await pair.begin()
        for name in ["edited", "other"] { try pair.a.write(name, "first") }
        try await pair.equal()
        await b.kill()
        try AnotherBoot.begin()
        try b.write("edited", "second, on b")
        try await pair.startB()
        try await pair.equal(within: .seconds(60))
        #expect(try Trees.read(pair.a.folder)["edited"]?.content == Data("second, on b".utf8))
        try pair.expectNoConflicts()
      }
    }
  }
}

/// Lets a node believe that the machine was started anew. Needs root.
enum AnotherBoot {
  private static let file = FileManager.default.temporaryDirectory.path + "/softadastra-boot-\(getpid())"

  static let prefix = [
    "unshare", "-m", "sh", "-c",
    "mount --bind \(file) /proc/sys/kernel/random/boot_id && exec \"$@\"", "sh",
  ]

  static let isPossible: Bool = {
    guard geteuid() == 0, (try? begin()) != nil else { return false }
    return (try? Mounts.run("unshare", "-m", "mount", "--bind", file, "/proc/sys/kernel/random/boot_id")) != nil
  }()

  static func begin() throws { try Data("\(UUID().uuidString)\n".utf8).write(to: URL(filePath: file)) }
}
