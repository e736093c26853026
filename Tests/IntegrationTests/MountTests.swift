import Foundation
import Glibc
import Testing

extension Integration {
  /// A filesystem that comes and goes below a folder. Needs the right to mount one, as the namespaces do.
  @Suite struct MountTests {
    /// What it hides is not deleted, what it shows is nobody's, and it is said that it is there.
    @Test(.timeLimit(.minutes(2))) func whatIsMountedBelowIsNotPartOfTheFolder() async throws {
      try await Lab.pair { pair in
        let (a, b) = (pair.a, pair.b)
        let place = a.path("usb")
        try FileManager.default.createDirectory(atPath: place + "/deep", withIntermediateDirectories: true)
        for number in 1...20 { try a.write("usb/deep/file\(number)", "below \(number)") }
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(20))
        let before = try Trees.read(b.folder)
        try #require(mount("tmpfs", place, "tmpfs", 0, nil) == 0, "cannot mount: errno \(errno)")
        defer { umount2(place, Int32(MNT_DETACH)) }
        try a.write("usb/inside", "on the other filesystem")
        try await look(a, "a marker that \(1)", b)
        #expect(try await NodeStatus.of(a).blocked.contains(NodeStatus.Blocked(path: "usb", reason: "unsupported")))
        #expect(try Trees.read(b.folder).filter { $0.key.hasPrefix("usb") } == before)
        // What the other one does there waits.
        try b.write("usb/deep/file1", "edited meanwhile")
        try b.write("usb/new", "made meanwhile")
        try await look(a, "a marker that \(2)", b)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place) == ["inside"])
        #expect(umount2(place, 0) == 0)
        try await look(a, "a marker that \(3)", b)
        _ = try await a.succeed(["sync", "retry", a.folder])
        try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
        let after = try Trees.read(a.folder)
        #expect(after["usb/deep/file1"]?.content == Data("edited meanwhile".utf8) && after["usb/new"] != nil)
        #expect(after.count == before.count + 4)
        #expect(try await NodeStatus.of(a).blocked.isEmpty)
      }
    }

    /// All of a's folder is looked at again, and what came of it has arrived.
    private func look(_ a: TestNode, _ name: String, _ b: TestNode) async throws {
      _ = try await a.succeed(["sync", "retry", a.folder])
      try await Task.sleep(for: .milliseconds(500))
      try a.write(name, "seen")
      let deadline = ContinuousClock.now + .seconds(15)
      while !FileManager.default.fileExists(atPath: b.path(name)) {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}
