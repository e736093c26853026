import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// A receiver that is cut off at each of its calls, by a kill or a power loss, or whose calls fail one at a time.
///
/// A source makes a folder and then changes all of it. The receiver has the folder, durably, and is given the changes.
@Suite(.serialized) struct CrashStateTests {
  /// What the source has, before and after.
  private struct Course {
    let source: MirrorLife
    let volume: MemoryVolume
    let first: [Change]
    let second: [Change]
    let tree: [String]

    /// What files held that the changes overwrite or delete.
    let displaced: [String: [UInt8]]

    /// Which of it is not in the receiver's archive.
    func missing(in volume: MemoryVolume) -> [String] {
      let kept = Set(volume.archived.compactMap { volume.archivedContent($0) })
      return displaced.filter { !kept.contains($0.value) }.map(\.key).sorted()
    }
  }

  private func path(_ text: String) -> BytePath { BytePath(text) }
  private func bytes(_ text: String, _ count: Int = 1) -> [UInt8] { Array(String(repeating: text, count: count).utf8) }

  private static func large(_ seed: Int) -> [UInt8] {
    (0..<300_000).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 31 ^ $0 >> 8) }
  }

  private func makeCourse() async throws -> Course {
    let volume = MemoryVolume()
    try MirrorLife.prepare(volume)
    let source = try MirrorLife(1, volume: volume, disk: MemoryDisk())
    for name in ["edited", "deleted", "mode", "type", "dir/a", "dir/b", "dir/sub/c", "moved/d", "moved/e", "grown"] {
      volume.write(path(name), bytes("first content of \(name)"))
    }
    try await source.start()
    #expect(await source.rests())
    let first = await source.changes()
    let displaced = ["edited", "deleted", "type", "dir/sub/c", "grown"].map {
      ($0, volume.content(path($0))!)
    }
    volume.write(path("edited"), bytes("second content, longer", 3))
    volume.write(path("new"), bytes("a new file"))
    volume.write(path("empty"), [])
    volume.write(path("large"), Self.large(0))
    volume.write(path("grown"), Self.large(1))
    volume.write(path("fresh/deep/file"), bytes("in new directories"))
    volume.removeTree(path("deleted"))
    volume.removeTree(path("dir/sub"))
    _ = try volume.setPermissions(path("mode"), 0o600)
    volume.removeTree(path("type"))
    volume.write(path("type/inside"), bytes("a directory now"))
    _ = try volume.makeSymlink(bytes("edited"), at: path("link"), modifiedNanoseconds: 5)
    _ = try volume.move(path("moved"), to: path("renamed"))
    await source.mirror.handle([.moved(from: path("moved"), to: path("renamed"), isDirectory: true)])
    await source.mirror.rescan()
    #expect(await source.rests())
    let second = await source.changes()
    return Course(
      source: source, volume: volume, first: first, second: second, tree: Self.tree(of: volume),
      displaced: Dictionary(uniqueKeysWithValues: displaced))
  }

  /// Everything but times: paths with kinds, modes and contents.
  private static func tree(of volume: MemoryVolume) -> [String] {
    volume.paths.filter { !$0.isReserved }.map { path in
      let status = (try? volume.status(path)).flatMap { $0 }
      let content = volume.content(path).map { "\($0.count) \(Checksum.xxh3($0))" } ?? ""
      let target = (try? volume.readLink(path)) ?? []
      return
        "\(path) \(status?.kind ?? .other) \(status?.mode ?? 0) \(content) \(String(decoding: target, as: UTF8.self))"
    }
  }

  private func receiver(
    of course: Course, _ volume: MemoryVolume, _ disk: MemoryDisk, isAfterPowerLoss: Bool = false, seed: UInt64 = 1
  ) throws -> MirrorLife {
    let source = course.source
    let own = Mutex<MirrorLife?>(nil)
    let life = try MirrorLife(2, volume: volume, disk: disk, isAfterPowerLoss: isAfterPowerLoss, seed: seed) {
      _, message in
      guard case .fetch(let fetch) = message else { return }
      for answer in await source.mirror.serve(fetch) {
        if case .data(let data) = answer {
          await own.withLock { $0 }?.mirror.received(data, from: source.node)
        } else if case .fetchFailed(let request, let reason) = answer {
          await own.withLock { $0 }?.mirror.fetchFailed(request, reason, from: source.node)
        }
      }
    }
    own.withLock { $0 = life }
    return life
  }

  private func give(_ changes: [Change], _ course: Course, to life: MirrorLife) async throws {
    await life.mirror.peerConnected(course.source.node, replica: course.source.store.replica, session: 1)
    _ = try await life.mirror.receive(changes, from: course.source.node, cursor: nil)
  }

  /// A volume and a disk on which the first folder is, durably.
  private func base(_ course: Course) async throws -> (MemoryVolume, MemoryDisk) {
    let volume = MemoryVolume()
    try MirrorLife.prepare(volume)
    let disk = MemoryDisk()
    let life = try receiver(of: course, volume, disk)
    try await life.start()
    try await give(course.first, course, to: life)
    #expect(await life.rests())
    await life.mirror.markDurable()
    await life.end()
    return (volume, disk)
  }

  private static let changing: Set<MemoryVolume.Operation> = [
    .stage, .removeStaged, .write, .copy, .finish, .sync, .link, .exchange, .displace, .replace, .discard, .makeSymlink,
    .makeDirectory, .removeDirectory, .setPermissions, .setAttributes, .move, .barrier,
  ]

  /// Does it with 1, 2, 3, ... until it says that there is no such call; several at a time, for they mostly wait.
  ///
  /// - Returns: the number of calls.
  private func atEachCall(_ body: @escaping @Sendable (Int) async throws -> Bool) async throws -> Int {
    let width = 6
    return try await withThrowingTaskGroup(of: (call: Int, exists: Bool).self) { group in
      var next = 1
      var end = Int.max
      func begin() {
        let call = next
        group.addTask { (call, try await body(call)) }
        next += 1
      }
      for _ in 0..<width { begin() }
      while let done = try await group.next() {
        if !done.exists { end = min(end, done.call) }
        if end == .max { begin() }
      }
      return end - 1
    }
  }

  /// Whatever a crash leaves: in the end the receiver has what the source has, and nothing of it is its own work.
  @Test(.timeLimit(.minutes(3)), arguments: [nil, 1, 2, 3] as [UInt64?])
  func cutOffAtEveryCall(powerLoss: UInt64?) async throws {
    let course = try await makeCourse()
    let (cleanVolume, cleanDisk) = try await base(course)
    let calls = try await atEachCall { death in
      try await isCutOff(course, cleanVolume.crashed(seed: nil), cleanDisk.crash(seed: 0), at: death, powerLoss)
    }
    #expect(calls > 20)
    await course.source.end()
  }

  /// False if there are fewer calls.
  private func isCutOff(
    _ course: Course, _ volume: MemoryVolume, _ disk: MemoryDisk, at death: Int, _ powerLoss: UInt64?
  ) async throws -> Bool {
    let life = try receiver(of: course, volume, disk, seed: 2)
    let calls = Mutex(0)
    volume.fail { operation, _ in
      let isDead = calls.withLock { count in
        if Self.changing.contains(operation), count < death { count += 1 }
        return count >= death
      }
      guard isDead else { return nil }
      disk.die(afterCalls: 0)
      return EIO
    }
    try await life.start()
    try? await give(course.second, course, to: life)
    var isCut = false
    for _ in 0..<4000 where !isCut {
      isCut = calls.withLock { $0 >= death }
      if !isCut, await life.mirror.isSettled { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    await life.mirror.abandon()
    let seed = powerLoss.map { $0 &* 1000 &+ UInt64(death) }
    let nextDisk = seed.map { disk.crash(seed: $0) } ?? disk.kill()
    let nextVolume = volume.crashed(seed: seed)
    life.store.closeBlocking()

    let next = try receiver(of: course, nextVolume, nextDisk, isAfterPowerLoss: powerLoss != nil, seed: 3)
    #expect(next.store.log.damage.isEmpty)
    try await next.start()
    try await give(course.second, course, to: next)
    #expect(await next.rests(), "cut off at call \(death)")
    #expect(Self.tree(of: nextVolume) == course.tree, "cut off at call \(death)")
    #expect(next.ownVersions.isEmpty, "cut off at call \(death)")
    #expect(course.missing(in: nextVolume).isEmpty, "cut off at call \(death): \(course.missing(in: nextVolume))")
    await next.end()
    return isCut
  }

  /// Each call fails once, the others succeed: the receiver goes on, and has everything in the end.
  @Test(.timeLimit(.minutes(3)), arguments: [EIO, ENOSPC])
  func everyCallFailsOnce(errno: Int32) async throws {
    let course = try await makeCourse()
    let (cleanVolume, cleanDisk) = try await base(course)
    let calls = try await atEachCall { failing in
      try await fails(course, cleanVolume.crashed(seed: nil), cleanDisk.crash(seed: 0), at: failing, errno)
    }
    #expect(calls > 50)
    await course.source.end()
  }

  /// False if there are fewer calls.
  private func fails(
    _ course: Course, _ volume: MemoryVolume, _ disk: MemoryDisk, at failing: Int, _ errno: Int32
  ) async throws -> Bool {
    let life = try receiver(of: course, volume, disk, seed: 2)
    try await life.start()
    #expect(await life.rests())
    let calls = Mutex(0)
    volume.fail { _, _ in
      let isThis = calls.withLock { count in
        count += 1
        return count == failing
      }
      return isThis ? errno : nil
    }
    try await give(course.second, course, to: life)
    #expect(await life.rests(), "call \(failing)")
    let isDone = calls.withLock { $0 } < failing
    volume.fail(nil)
    #expect(Self.tree(of: volume) == course.tree, "call \(failing)")
    #expect(life.ownVersions.isEmpty, "call \(failing)")
    #expect(course.missing(in: volume).isEmpty, "call \(failing): \(course.missing(in: volume))")
    await life.end()
    return !isDone
  }
}
