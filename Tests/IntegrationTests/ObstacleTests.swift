import Foundation
import Glibc
import SoftadastraCLI
import TestSupport
import Testing

extension Integration {
  /// What keeps a file from being written: it is named with its reason, others go on, and it ends by itself.
  @Suite(.enabled(if: Mounts.isPossible)) struct ObstacleTests {
    private func blocked(_ node: TestNode, _ path: String, _ reason: String) async throws {
      try await until("\(path) is not blocked by \(reason)") {
        try await NodeStatus.of(node).blocked.contains { $0.path == path && $0.reason == reason }
      }
    }

    private func write(_ node: TestNode, _ path: String, megabytes: Int) throws {
      // Bytes that neither compress away nor are a hole.
      var value: UInt64 = 88_172_645_463_325_252
      var data = Data(capacity: megabytes << 20)
      while data.count < megabytes << 20 {
        value ^= value << 13
        value ^= value >> 7
        value ^= value << 17
        withUnsafeBytes(of: value) { data.append(contentsOf: $0) }
      }
      try data.write(to: URL(filePath: node.path(path)))
    }

    /// A pair whose second folder lies on a filesystem of its own.
    private func with(
      _ filesystem: Mounts.Kind, asNobody: Bool = false, _ body: (Pair) async throws -> Void
    ) async throws {
      try await Lab.use { lab in
        let prefix = asNobody ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let pair = Pair(lab: lab, a: try lab.node("a"), b: try lab.node("b", prefix: prefix))
        try Mounts.mount(filesystem, at: pair.b.folder, image: pair.b.directory + "/image")
        if asNobody {
          for path in [pair.b.directory, pair.b.folder] { #expect(chown(path, 65534, 65534) == 0) }
        }
        do {
          try await pair.begin()
          try await body(pair)
        } catch {
          await pair.b.kill()
          Mounts.unmount(pair.b.folder)
          throw error
        }
        await pair.b.stop()
        Mounts.unmount(pair.b.folder)
      }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [Mounts.Kind.memory, .ext4])
    func aFullFilesystem(_ filesystem: Mounts.Kind) async throws {
      try await with(filesystem) { pair in
        // What fills it is not the folder's.
        try write(pair.b, ".softadastra/filler", megabytes: 16)
        try write(pair.a, "big", megabytes: 8)
        try pair.a.write("small", "small")
        try await blocked(pair.b, "big", "no-space")
        try write(pair.a, "medium", megabytes: 1)
        try await until("others do not go on") {
          let tree = try Trees.read(pair.b.folder)
          return tree["small"] != nil && tree["medium"]?.content.count == 1 << 20
        }
        #expect(access(pair.b.path("big"), F_OK) != 0)
        #expect(unlink(pair.b.path(".softadastra/filler")) == 0)
        try await pair.equal(within: .seconds(60))
        #expect(try await NodeStatus.of(pair.b).blocked.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: Mounts.hasQuota))
    func aQuota() async throws {
      try await with(.quota, asNobody: true) { pair in
        try write(pair.a, "big", megabytes: 12)
        try await blocked(pair.b, "big", "quota")
        try pair.a.write("small", "small")
        try write(pair.a, "medium", megabytes: 1)
        try await until("others do not go on") {
          let tree = try Trees.read(pair.b.folder)
          return tree["small"] != nil && tree["medium"]?.content.count == 1 << 20
        }
        // Of what was too large only a part may remain.
        #expect(truncate(pair.a.path("big"), 3 << 20) == 0)
        try await pair.equal(within: .seconds(60))
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func aReadOnlyFilesystem() async throws {
      try await with(.ext4) { pair in
        try pair.a.write("before", "1")
        try await pair.equal()
        try Mounts.remount(pair.b.folder, "ro")
        try pair.a.write("new", "2")
        try pair.a.write("before", "1, edited")
        try await blocked(pair.b, "new", "read-only")
        try await blocked(pair.b, "before", "read-only")
        try Mounts.remount(pair.b.folder, "rw")
        try await pair.equal(within: .seconds(60))
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func aDirectoryThatMayNotBeWritten() async throws {
      try await with(.memory, asNobody: true) { pair in
        #expect(mkdir(pair.a.path("locked"), 0o755) == 0)
        try pair.a.write("locked/old", "1")
        try await pair.equal()
        #expect(chown(pair.b.path("locked"), 0, 0) == 0)
        try pair.a.write("locked/new", "2")
        try pair.a.write("elsewhere", "3")
        try await blocked(pair.b, "locked/new", "permission")
        try await until("others do not go on") { access(pair.b.path("elsewhere"), F_OK) == 0 }
        #expect(chown(pair.b.path("locked"), 65534, 65534) == 0)
        try await pair.equal(within: .seconds(60))
      }
    }

    /// The log is what has no room: what is changed is taken in when it has.
    @Test(.timeLimit(.minutes(2)))
    func aFullLog() async throws {
      try await Lab.use { lab in
        let pair = Pair(lab: lab, a: try lab.node("a"), b: try lab.node("b"))
        try FileManager.default.createDirectory(atPath: pair.a.home, withIntermediateDirectories: true)
        try Mounts.mount(.memory, at: pair.a.home, image: "")
        do {
          try await pair.begin()
          try await pair.equal()
          let filler = open(pair.a.home + "/filler", O_WRONLY | O_CREAT, 0o600)
          let block = [UInt8](repeating: 1, count: 4096)
          while Glibc.write(filler, block, block.count) > 0 {}
          close(filler)
          // What was set aside for the log is used up first.
          let value = String(repeating: "v", count: 100_000)
          try await until("the log is not full") {
            try await pair.a.run(["store", "put", "key", value]).errors.contains("No space left")
          }
          try pair.a.write("from-a", "1")
          try pair.b.write("from-b", "2")
          try await blocked(pair.a, "from-a", "no-space")
          #expect(unlink(pair.a.home + "/filler") == 0)
          try await pair.equal(within: .seconds(60))
          #expect(try Trees.read(pair.a.folder).count == 2)
          try pair.expectNoConflicts()
        } catch {
          await pair.a.kill()
          Mounts.unmount(pair.a.home)
          throw error
        }
        await pair.a.stop()
        Mounts.unmount(pair.a.home)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func tooManyOpenFiles() async throws {
      try await Lab.pair { pair in
        try pair.a.write("before", "1")
        try await pair.equal()
        let process = try #require(pair.b.process?.processID)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap { Int($0) }
        let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8).split(separator: "\n")
        let line = try #require(limits.first { $0.hasPrefix("Max open files") })
        let usual = try #require(line.split(separator: " ").dropFirst(3).first)
        // One more file, and no more.
        let firstFree = (0...).first { !open.contains($0) } ?? 0
        try Mounts.run("prlimit", "--pid", "\(process)", "--nofile=\(firstFree + 1):")
        for number in 1...40 { try pair.a.write("file\(number)", "content \(number)") }
        try await until("nothing is blocked by it") {
          pair.b.eventText.contains("Too many open files")
        }
        try Mounts.run("prlimit", "--pid", "\(process)", "--nofile=\(usual):")
        try await pair.equal(within: .seconds(60))
        #expect(try await NodeStatus.of(pair.b).blocked.isEmpty)
      }
    }
  }
}

/// Filesystems of a test's own. Needs root.
enum Mounts {
  /// 24 MB each; `quota` lets a user other than root have 8 of 64.
  enum Kind: String, Sendable, CaseIterable { case memory, ext4, quota }

  static let isPossible: Bool = {
    guard geteuid() == 0 else { return false }
    return probe(.ext4) && probe(.memory)
  }()

  static let hasQuota = geteuid() == 0 && probe(.quota)

  private static func probe(_ kind: Kind) -> Bool {
    let place = FileManager.default.temporaryDirectory.path + "/softadastra-mount-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: place) }
    guard (try? FileManager.default.createDirectory(atPath: place + "/at", withIntermediateDirectories: true)) != nil,
      (try? mount(kind, at: place + "/at", image: place + "/image")) != nil
    else { return false }
    unmount(place + "/at")
    return true
  }

  static func mount(_ kind: Kind, at path: String, image: String) throws {
    switch kind {
    case .memory: try run("mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", path)
    case .quota:
      try run("mount", "-t", "tmpfs", "-o", "size=64m,mode=0755,usrquota_block_hardlimit=8m", "tmpfs", path)
    case .ext4:
      try run("truncate", "-s", "24M", image)
      try run("mkfs.ext4", "-q", "-F", "-m", "0", image)
      try run("mount", "-o", "loop", image, path)
      try? FileManager.default.removeItem(atPath: path + "/lost+found")
    }
  }

  static func remount(_ path: String, _ option: String) throws { try run("mount", "-o", "remount,\(option)", path) }

  static func unmount(_ path: String) { try? run("umount", "-l", path) }

  static func run(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    process.environment = environment
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure("\(arguments.joined(separator: " ")) failed") }
  }
}
