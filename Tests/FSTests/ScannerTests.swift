import Foundation
import SoftadastraCore
import SoftadastraFS
import Synchronization
import TestSupport
import Testing

@Suite struct ScannerTests {
  private func scan(_ volume: any Volume, below: BytePath = .root, threads: Int = 3) throws -> [ScannedDirectory] {
    let found = Mutex<[ScannedDirectory]>([])
    try Scanner.scan(
      volume, below: below, threads: threads, isIgnored: { path, _ in path.name.elementsEqual("skip".utf8) }
    ) { directory in found.withLock { $0.append(directory) } }
    return found.withLock { $0 }
  }

  @Test(arguments: [1, 4]) func findsEverythingOnce(_ threads: Int) throws {
    let (directory, volume) = try makeVolume()
    var expected: Set<BytePath> = []
    for a in 0..<12 {
      for b in 0..<5 {
        directory.makeDirectory("d\(a)/e\(b)")
        directory.write("d\(a)/e\(b)/f", "x")
        expected.formUnion([BytePath("d\(a)"), BytePath("d\(a)/e\(b)"), BytePath("d\(a)/e\(b)/f")])
      }
    }
    directory.makeDirectory("d0/skip/below")
    directory.write("d0/a", "x")
    symlink("/etc", directory.appending("link"))
    expected.formUnion([BytePath("link"), BytePath("d0/a")])
    var found: [BytePath] = []
    var ignored = 0
    for scanned in try scan(volume, threads: threads) {
      guard case .listed(let items, let skipped) = scanned.outcome else {
        Issue.record("\(scanned)")
        continue
      }
      #expect(items.map { BytePath(unchecked: $0.name) }.sorted().map(\.bytes) == items.map(\.name))
      found += items.map { scanned.path.appending($0.name) }
      ignored += skipped.count
    }
    #expect(found.count == expected.count && Set(found) == expected && ignored == 1)
    #expect(try scan(volume, below: BytePath("d1"), threads: threads).count == 6)
  }

  @Test func anUnreadableDirectoryIsNeverEmpty() throws {
    let volume = MemoryVolume()
    volume.write(BytePath("good/a"), [1])
    volume.write(BytePath("bad/a"), [1])
    volume.fail { operation, path in operation == .list && path == BytePath("bad") ? EACCES : nil }
    let failed = try scan(volume).filter {
      if case .failed(let error) = $0.outcome { error.code == .permission } else { false }
    }
    #expect(failed.map(\.path) == [BytePath("bad")])
    let snapshot = try Snapshot.take(of: volume)
    #expect(snapshot.failures.map(\.path) == [BytePath("bad")])
    #expect(snapshot.isUncertain(BytePath("bad/a")) && !snapshot.isUncertain(BytePath("good/a")))
  }

  @Test func anotherFilesystemIsNotEntered() throws {
    let volume = try LinuxVolume(root: "/dev")
    let shm = try #require(try volume.status(BytePath("shm")))
    try #require(shm.device != volume.device)
    #expect(shm.kind == .other)
    #expect(try volume.list(.root).first { $0.name == Array("shm".utf8) }?.status.kind == .other)
    let outcomes = try scan(volume).filter { $0.path.isWithin(BytePath("shm")) }.map(\.outcome)
    guard case .failed(let error)? = outcomes.first, outcomes.count == 1 else {
      Issue.record("\(outcomes)")
      return
    }
    #expect(error.code == .unsupported)
    // Whatever is in it is neither there nor gone.
    for look in [{ _ = try volume.list(BytePath("shm")) }, { _ = try volume.status(BytePath("shm/any")) }] {
      let error = #expect(throws: SoftadastraError.self) { try look() }
      #expect(error?.code == .unsupported)
    }
  }

  @Test func aMissingStartIsAnError() throws {
    expectError(.notFound) { _ = try scan(MemoryVolume(), below: BytePath("none")) }
  }

  @Test func differencesAreTold() throws {
    let (directory, volume) = try makeVolume()
    for name in ["same", "edited", "gone", "old", "oldEdited"] { directory.write(name, name) }
    directory.makeDirectory("d")
    directory.write("d/f", "x")
    let before = try Snapshot.take(of: volume)
    #expect(before.entries.map(\.path) == before.entries.map(\.path).sorted())
    #expect(before[BytePath("d/f")]?.kind == .file && before[BytePath("d/g")] == nil)
    #expect(SnapshotDiff(from: before, to: try Snapshot.take(of: volume)).isEmpty)
    directory.write("edited", "other")
    rename(directory.appending("old"), directory.appending("renamed"))
    rename(directory.appending("oldEdited"), directory.appending("renamedEdited"))
    directory.write("renamedEdited", "more text")
    rename(directory.appending("d"), directory.appending("e"))
    directory.write("fresh", "x")
    unlink(directory.appending("gone"))
    let diff = SnapshotDiff(from: before, to: try Snapshot.take(of: volume))
    #expect(diff.created == [BytePath("fresh")])
    #expect(diff.modified == [BytePath("edited"), BytePath("renamedEdited")])
    #expect(diff.deleted == [BytePath("gone")])
    #expect(
      diff.renamed.map { "\($0.from)>\($0.to)" } == ["d>e", "d/f>e/f", "old>renamed", "oldEdited>renamedEdited"])
  }

  @Test func whatCannotBeReadIsNotDeleted() throws {
    let volume = MemoryVolume()
    volume.write(BytePath("d/a"), [1])
    let before = try Snapshot.take(of: volume)
    volume.fail { operation, path in operation == .list && path == BytePath("d") ? EIO : nil }
    #expect(SnapshotDiff(from: before, to: try Snapshot.take(of: volume)).isEmpty)
  }
}
