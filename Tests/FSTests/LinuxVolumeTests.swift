import Foundation
import SoftadastraCore
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraFS

/// A prepared volume in a directory of its own.
func makeVolume() throws -> (TemporaryDirectory, LinuxVolume) {
  let directory = TemporaryDirectory()
  let volume = try LinuxVolume(root: directory.path)
  try volume.prepareStaging()
  return (directory, volume)
}

extension Volume {
  func staged(_ content: [UInt8], permissions: UInt16 = 0o644, modified: Int64 = 1_000_000_007) throws
    -> any StagedFile
  {
    let file = try stage(permissions: permissions)
    try content.withUnsafeBytes { try file.write(at: 0, $0) }
    try file.finish(size: UInt64(content.count), permissions: permissions, modifiedNanoseconds: modified)
    return file
  }
}

func expectError(_ code: SoftadastraError.Code, _ body: () throws -> Void) {
  do {
    try body()
    Issue.record("no error, expected \(code)")
  } catch let error as SoftadastraError {
    #expect(error.code == code, "\(error)")
  } catch {
    Issue.record("\(error)")
  }
}

@Suite struct LinuxVolumeTests {
  @Test func opensOnlyADirectoryAndCreatesNothing() throws {
    let directory = TemporaryDirectory()
    _ = try LinuxVolume(root: directory.path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    expectError(.notFound) { _ = try LinuxVolume(root: directory.appending("none")) }
    directory.write("file", "x")
    expectError(.notFound) { _ = try LinuxVolume(root: directory.appending("file")) }
  }

  @Test func linksAStagedFileWithAllItsProperties() throws {
    let (directory, volume) = try makeVolume()
    let status = try volume.link(try volume.staged(Array("hello".utf8), permissions: 0o4750), at: BytePath("a"))
    #expect(directory.read("a") == Array("hello".utf8))
    #expect(status.mode == 0o750)
    #expect(status.modifiedNanoseconds == 1_000_000_007)
    #expect(status.size == 5 && status.kind == .file && status.links == 1)
    #expect(try volume.status(BytePath("a")) == status)
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func modeIsNotNarrowedByTheUmask() throws {
    let (_, before) = try makeVolume()
    let old = umask(0o077)
    defer { umask(old) }
    // Not what that volume saw when it was prepared, as after a default access list was set.
    #expect(try before.link(try before.staged([1]), at: BytePath("a")).mode == 0o644)
    #expect(try before.exchange(try before.staged([2]), at: BytePath("a")).0.mode == 0o644)
    #expect(try before.status(BytePath("a"))?.mode == 0o644)
    let (_, volume) = try makeVolume()
    #expect(try volume.link(try volume.staged([], permissions: 0o666), at: BytePath("a")).mode == 0o666)
    #expect(try volume.makeDirectory(BytePath("d"), permissions: 0o777).permissions == 0o777)
  }

  @Test func aFinishedFileIsAsAskedForWhateverItWasBefore() throws {
    let (directory, volume) = try makeVolume()
    for (at, size) in [3, 5, 9].enumerated() {
      for (turn, permissions) in [UInt16(0o644), 0o600, 0o755].enumerated() {
        let path = BytePath("f\(at)\(turn)")
        let file = try volume.stage(permissions: 0o644)
        try Array("hello".utf8).withUnsafeBytes { try file.write(at: 0, $0) }
        try file.finish(size: UInt64(size), permissions: permissions, modifiedNanoseconds: 5)
        let status = try volume.link(file, at: path)
        #expect(status.size == UInt64(size) && status.mode == permissions && status.modifiedNanoseconds == 5)
        #expect(directory.read(path.description) == Array((Array("hello".utf8) + [0, 0, 0, 0]).prefix(size)))
      }
    }
  }

  @Test func linkRefusesATakenNameAndAMissingParent() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", "user")
    let file = try volume.staged([1])
    expectError(.conflict) { _ = try volume.link(file, at: BytePath("a")) }
    expectError(.notFound) { _ = try volume.link(file, at: BytePath("none/a")) }
    #expect(directory.read("a") == Array("user".utf8))
    // The refused file is still good.
    _ = try volume.link(file, at: BytePath("b"))
    #expect(directory.read("b") == [1])
    expectError(.invalid) { _ = try volume.link(file, at: BytePath("c")) }
  }

  @Test func exchangeSwapsInOneStepAndKeepsTheOld() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", "old")
    let before = try #require(try volume.status(BytePath("a")))
    let (now, displaced) = try volume.exchange(try volume.staged(Array("new".utf8)), at: BytePath("a"))
    #expect(directory.read("a") == Array("new".utf8))
    #expect(try volume.status(BytePath("a")) == now)
    #expect(displaced.status.inode == before.inode)
    #expect(directory.read(".softadastra/staging/" + displaced.stagedName) == Array("old".utf8))
    #expect(try volume.stagedNames() == [displaced.stagedName])
    #expect(try volume.stagedStatus(displaced.stagedName)?.inode == before.inode)
    _ = try volume.replace(displaced, at: BytePath("b"))
    #expect(directory.read("b") == Array("old".utf8))
  }

  @Test func exchangeOfAMissingPathLeavesTheStagedFileUsable() throws {
    let (directory, volume) = try makeVolume()
    let file = try volume.staged([7])
    expectError(.notFound) { _ = try volume.exchange(file, at: BytePath("a")) }
    _ = try volume.link(file, at: BytePath("a"))
    #expect(directory.read("a") == [7])
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func worksWithoutTheNewerCalls() throws {
    let (directory, volume) = try makeVolume()
    volume.properties.withLock {
      $0.features = .init(hasUnnamedFiles: false, hasExchange: false, hasNoReplace: false)
    }
    _ = try volume.link(try volume.staged(Array("one".utf8)), at: BytePath("a"))
    expectError(.conflict) { _ = try volume.link(try volume.staged([1]), at: BytePath("a")) }
    let (_, displaced) = try volume.exchange(try volume.staged(Array("two".utf8)), at: BytePath("a"))
    #expect(directory.read("a") == Array("two".utf8))
    #expect(directory.read(".softadastra/staging/" + displaced.stagedName) == Array("one".utf8))
    try volume.discard(displaced, from: BytePath("a"), keep: false)
    directory.makeDirectory("d/e")
    directory.makeDirectory("f")
    expectError(.conflict) { _ = try volume.move(BytePath("d"), to: BytePath("f")) }
    _ = try volume.move(BytePath("d"), to: BytePath("g"))
    #expect(try volume.status(BytePath("g/e"))?.kind == .directory)
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func displaceTakesATreeOutAndPurgeNeverFollowsLinks() throws {
    let (directory, volume) = try makeVolume()
    let outside = TemporaryDirectory()
    outside.write("precious", "x")
    directory.makeDirectory("d/" + (0..<60).map { "n\($0)" }.joined(separator: "/"))
    directory.write("d/n0/f", "x")
    symlink(outside.path, directory.appending("d/n0/link"))
    chmod(directory.appending("d/n0/n1"), 0o500)
    let displaced = try volume.displace(BytePath("d"))
    #expect(try volume.status(BytePath("d")) == nil)
    #expect(displaced.status.kind == .directory)
    try volume.discard(displaced, from: BytePath("d"), keep: false)
    #expect(try volume.stagedNames().isEmpty)
    #expect(outside.read("precious") == Array("x".utf8))
  }

  @Test func discardKeepsInTheArchiveUnderAFreeName() throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("x/y")
    for text in ["1", "2", "3"] {
      directory.write("x/y/report.tar.gz", text)
      try volume.discard(
        try volume.displace(BytePath("x/y/report.tar.gz")), from: BytePath("x/y/report.tar.gz"), keep: true)
    }
    let kept = try volume.list(BytePath(".softadastra/versions/x/y")).map { String(decoding: $0.name, as: UTF8.self) }
    #expect(kept.count == 3)
    for name in kept { #expect(name.wholeMatch(of: /report\.tar~\d{8}-\d{6}-\d{3}-replaced\.gz/) != nil, "\(name)") }
    #expect(Set(kept.compactMap { directory.read(".softadastra/versions/x/y/" + $0) }).count == 3)
  }

  @Test func anArchivedFileInTheWayOfADirectoryIsNoObstacle() throws {
    let (directory, volume) = try makeVolume()
    directory.write(".softadastra/versions/a", "in the way")
    directory.makeDirectory("a")
    directory.write("a/b", "x")
    try volume.discard(try volume.displace(BytePath("a/b")), from: BytePath("a/b"), keep: true)
    #expect(try volume.list(BytePath(".softadastra/versions/a~")).count == 1)
  }

  @Test func namedStagesSurviveTheirReference() throws {
    let (directory, volume) = try makeVolume()
    do {
      let file = try volume.stage(named: "big-1")
      try [UInt8](repeating: 1, count: 10).withUnsafeBytes { try file.write(at: 90, $0) }
    }
    #expect(try volume.stagedNames() == ["big-1"])
    let file = try volume.stage(named: "big-1")
    var tail = [UInt8](repeating: 9, count: 20)
    let count = try tail.withUnsafeMutableBytes { try file.read(at: 80, into: $0) }
    #expect(count == 20 && tail == Array(repeating: 0, count: 10) + Array(repeating: 1, count: 10))
    try file.finish(size: 100, permissions: 0o600, modifiedNanoseconds: -5)
    #expect(try volume.link(file, at: BytePath("big")).modifiedNanoseconds == -5)
    #expect(directory.read("big")?.count == 100)
    for bad in ["", "..", "a/b", "a\0b"] { expectError(.invalid) { _ = try volume.stage(named: bad) } }
    expectError(.notFound) { _ = try volume.openStaged("big-2") }
    #expect(try volume.stagedStatus("big-2") == nil)
  }

  @Test func unnamedStagesLeaveNothingBehind() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", "x")
    do {
      let file = try volume.staged([1])
      expectError(.notFound) { _ = try volume.exchange(file, at: BytePath("none")) }
    }
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func copiesInsideTheKernelAndReportsAShortSource() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
    let source = try volume.openForReading(BytePath("a"))
    let file = try volume.stage(permissions: 0o600)
    try file.copy(from: source, at: 1000, to: 0, count: 99_000)
    expectError(.changed) { try file.copy(from: source, at: 99_000, to: 99_000, count: 2000) }
    try file.finish(size: 99_000, permissions: 0o600, modifiedNanoseconds: 0)
    _ = try volume.link(file, at: BytePath("b"))
    #expect(directory.read("b").map { Array(directory.read("a")![1000...]) == $0 } == true)
  }

  @Test func sparseFilesTellTheirData() throws {
    let (directory, volume) = try makeVolume()
    let file = try volume.stage(permissions: 0o600)
    try [UInt8](repeating: 1, count: 4096).withUnsafeBytes { try file.write(at: 1 << 40, $0) }
    try file.finish(size: 1 << 41, permissions: 0o600, modifiedNanoseconds: 0)
    _ = try volume.link(file, at: BytePath("s"))
    let read = try volume.openForReading(BytePath("s"))
    let data = try #require(try read.nextData(from: 0))
    #expect(data.contains(1 << 40) && data.count < 1 << 20)
    #expect(try read.nextData(from: data.upperBound) == nil)
    #expect(try volume.status(BytePath("s"))?.size == 1 << 41)
    expectError(.device) { try [1].withUnsafeBytes { try file.write(at: .max, $0) } }
    _ = directory
  }

  @Test func movesDirectoriesLinksAndTimes() throws {
    let (directory, volume) = try makeVolume()
    _ = try volume.makeDirectory(BytePath("d"), permissions: 0o755)
    expectError(.conflict) { _ = try volume.makeDirectory(BytePath("d"), permissions: 0o755) }
    let link = try volume.makeSymlink(Array("/nowhere".utf8), at: BytePath("d/l"), modifiedNanoseconds: 123_456_789)
    #expect(link.kind == .symlink && link.modifiedNanoseconds == 123_456_789)
    #expect(try volume.readLink(BytePath("d/l")) == Array("/nowhere".utf8))
    expectError(.changed) { _ = try volume.readLink(BytePath("d")) }
    expectError(.conflict) { try volume.removeDirectory(BytePath("d")) }
    expectError(.changed) { _ = try volume.setPermissions(ofDirectory: BytePath("d/l"), 0o600) }
    directory.write("f", "x")
    expectError(.changed) { _ = try volume.setPermissions(ofDirectory: BytePath("f"), 0o600) }
    #expect(try volume.setPermissions(ofDirectory: BytePath("d"), 0o4711).mode == 0o711)
    expectError(.conflict) { _ = try volume.move(BytePath("f"), to: BytePath("d/l")) }
    _ = try volume.move(BytePath("d"), to: BytePath("e"))
    #expect(try volume.status(BytePath("e/l"))?.kind == .symlink)
    #expect(try volume.status(BytePath("d")) == nil)
  }

  @Test func fingerprintsFollowContent() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", "1")
    let first = try #require(try volume.status(BytePath("a")))
    directory.write("a", "2")
    let second = try #require(try volume.status(BytePath("a")))
    #expect(volume.timestampGranularityNanoseconds > 0 || first.fingerprint != second.fingerprint)
    #expect([0, 10_000_000, 2_000_000_000].contains(volume.timestampGranularityNanoseconds))
    #expect(try LinuxVolume(root: directory.path).filesystemIdentity == volume.filesystemIdentity)
    #expect(try LinuxVolume(root: TemporaryDirectory().path).filesystemIdentity != volume.filesystemIdentity)
    #expect(try volume.freeBytes() > 0)
    try volume.barrier()
  }
}
