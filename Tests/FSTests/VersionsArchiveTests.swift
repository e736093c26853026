import Foundation
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

@Suite struct VersionsArchiveTests {
  private func archive(_ volume: LinuxVolume, _ path: String, _ reason: VersionReason = .replaced) throws -> BytePath {
    try #require(try volume.archive(try volume.displace(BytePath(path)), from: BytePath(path), as: reason))
  }

  /// A version as if it had left the folder at that time.
  private func place(_ directory: TemporaryDirectory, _ name: String, _ time: UTCTime, _ content: String) {
    directory.makeDirectory(".softadastra/versions")
    let archived = ArchivedName(time: time, reason: .replaced).applied(to: Array(name.utf8))
    let path = ".softadastra/versions/" + String(decoding: archived, as: UTF8.self)
    directory.write(path, content)
    var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
    utimensat(AT_FDCWD, directory.appending(path), &times, 0)
  }

  @Test func namesAreReadAsTheyAreWritten() throws {
    let long = [UInt8](repeating: 0xFF, count: 251) + Array(".txt".utf8)
    for name in [long, Array("a".utf8), Array(".hidden".utf8), Array("report.tar.gz".utf8), Array("a~b-c.d".utf8)] {
      for time in [Int64(0), -1, 951_782_399_007] {
        for reason in VersionReason.allCases {
          let made = ArchivedName(millisecondsSince1970: time, reason: reason)
          let bytes = made.applied(to: name)
          #expect(bytes.count <= BytePath.maxNameBytes)
          #expect(ArchivedName(parsing: bytes) == made)
          if name.count < 200 { #expect(ArchivedName.original(of: bytes) == name) }
        }
      }
    }
    #expect(
      ArchivedName(millisecondsSince1970: 7, reason: .deleted).applied(to: Array("a.b.c".utf8))
        == Array("a.b~19700101-000000-007-deleted.c".utf8))
    for bad in [
      "a", "a~19700101-000000-007", "a~19700101-000000-007-lost.c", "a~19700101-000000-deleted.c", "~", "a~b",
      "a~19700101-000000-+07-deleted", "a~19700101-000000-007-deleted-1",
    ] {
      #expect(ArchivedName(parsing: Array(bad.utf8)) == nil, "\(bad)")
    }
  }

  @Test func aFileIsRetiredInOneStepAndCanBeBroughtBack() throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("x/y")
    directory.write("x/y/a.txt", "one")
    let before = try #require(try volume.status(BytePath("x/y/a.txt")))
    let first = try #require(try volume.retire(BytePath("x/y/a.txt"), as: .deleted))
    #expect(first.path == BytePath("x/y/a.txt"))
    #expect(first.status.inode == before.inode && first.status.size == 3)
    #expect(try volume.status(BytePath("x/y/a.txt")) == nil)
    #expect(try volume.status(first.archived)?.inode == before.inode)
    #expect(try volume.stagedNames().isEmpty)

    directory.write("x/y/a.txt", "two")
    let second = try #require(try volume.retire(BytePath("x/y/a.txt"), as: .deleted))
    #expect(second.archived != first.archived)
    #expect(throws: SoftadastraError.self) { try volume.retire(BytePath("x/y/a.txt"), as: .deleted) }

    directory.write("x/y/b.txt", "taken")
    let taken = #expect(throws: SoftadastraError.self) { try volume.bringBack(second, at: BytePath("x/y/b.txt")) }
    #expect(taken?.code == .conflict)
    let back = try volume.bringBack(first, at: BytePath("x/y/c.txt"))
    #expect(back.inode == before.inode)
    #expect(try volume.status(first.archived) == nil)
  }

  @Test func listsAFileAndWhatLiesBelowADirectory() throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("x/y")
    for (path, reason) in [
      ("x/y/a.txt", VersionReason.replaced), ("x/y/a.txt", .deleted), ("x/b", .conflict), ("c", .deleted),
    ] {
      directory.write(path, "\(reason)")
      _ = try archive(volume, path, reason)
    }
    let store = VersionsArchive(volume: volume)
    let versions = try store.versions(of: BytePath("x/y/a.txt"))
    #expect(versions.map(\.name.reason) == [.replaced, .deleted])
    #expect(versions.allSatisfy { $0.path == BytePath("x/y/a.txt") })
    #expect(
      try store.versions(of: BytePath("x")).map(\.path.description).sorted() == ["x/b", "x/y/a.txt", "x/y/a.txt"])
    #expect(try store.versions(of: .root).count == 4)
    #expect(try store.versions(of: BytePath("x/y/a")).isEmpty)
    #expect(try store.versions(of: BytePath("none/at/all")).isEmpty)
    // A version is found by the time that is shown of it.
    let moment = try #require(VersionMoment(versions[0].shownTime))
    #expect(moment.pick(versions) == versions[0])
    #expect(VersionMoment("1970-01-01")?.pick(versions) == versions[0])
    #expect(VersionMoment("2999-01-01")?.pick(versions) == nil)
    for bad in ["", "yesterday", "1970-01-01T00:00:00.1Z", "1970-01-01T00:00:00.-12Z"] {
      #expect(VersionMoment(bad) == nil)
    }
  }

  @Test func restoringKeepsWhatIsThere() throws {
    let (directory, volume) = try makeVolume()
    directory.makeDirectory("d")
    directory.write("d/a", "first")
    _ = try archive(volume, "d/a")
    directory.write("d/a", "second")
    let store = VersionsArchive(volume: volume)
    let restoration = VersionRestoration(volume: volume)
    let first = try #require(try store.versions(of: BytePath("d/a")).first)
    try restoration.restore(first, to: BytePath("d/a"))
    #expect(directory.read("d/a") == Array("first".utf8))
    let versions = try store.versions(of: BytePath("d/a"))
    #expect(versions.map(\.name.reason).sorted { $0.rawValue < $1.rawValue } == [.replaced, .restored])
    let second = try #require(versions.first { $0.name.reason == .restored })
    #expect(directory.read(second.archived.description) == Array("second".utf8))
    // Its directory is gone as well.
    try FileManager.default.removeItem(atPath: directory.appending("d"))
    try restoration.restore(second, to: BytePath("d/a"))
    #expect(directory.read("d/a") == Array("second".utf8))
    // A symlink comes back as one, over a file.
    #expect(symlink("nowhere", directory.appending("l")) == 0)
    _ = try archive(volume, "l", .deleted)
    directory.write("l", "a file now")
    try restoration.restore(try #require(try store.versions(of: BytePath("l")).first), to: BytePath("l"))
    #expect(try volume.readLink(BytePath("l")) == Array("nowhere".utf8))
    directory.makeDirectory("taken")
    expectError(.conflict) { try restoration.restore(first, to: BytePath("taken")) }
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func theAgeAndTheSizeAreKept() throws {
    let (directory, volume) = try makeVolume()
    let now = UTCTime(secondsSince1970: SystemTime().wallMilliseconds() / 1000)
    let store = VersionsArchive(volume: volume)
    for day in [1, 2, 3, 400] {
      let time = UTCTime(secondsSince1970: now.secondsSince1970 - Int64(day) * 86_400)
      place(directory, "a", time, String(repeating: "x", count: 1000))
      place(directory, "b", time, String(repeating: "y", count: 10))
    }
    var swept = try store.sweep(VersionsPolicy(), now: now)
    #expect(swept.removed == 2 && swept.removedBytes == 1010 && swept.keptBytes == 3030)
    swept = try store.sweep(VersionsPolicy(maxBytes: 2025), now: now)
    #expect(swept.keptBytes <= 2025 && swept.removed <= 2)
    #expect(try store.versions(of: BytePath("a")).count == 2)
    swept = try store.sweep(VersionsPolicy(maxBytes: 1), now: now) { $0.path == BytePath("b") }
    #expect(try store.versions(of: BytePath("a")).isEmpty)
    #expect(try !store.versions(of: BytePath("b")).isEmpty)
    #expect(try volume.stagedNames().isEmpty)
  }

  @Test func aFileThatIsWrittenToInTheArchiveIsNoticed() throws {
    let (directory, volume) = try makeVolume()
    directory.write("a", "content")
    let file = open(directory.appending("a"), O_WRONLY | O_APPEND)
    var told: [ArchivedFile] = []
    nonisolated(unsafe) let sink = UnsafeMutablePointer<[ArchivedFile]>.allocate(capacity: 1)
    sink.initialize(to: [])
    defer { sink.deallocate() }
    volume.tellOfArchived { sink.pointee.append($0) }
    let archived = try archive(volume, "a")
    told = sink.pointee
    #expect(told.map(\.archived) == [archived])
    #expect(told.map(\.path) == [BytePath("a")])
    #expect(told[0].wasWrittenLate(try volume.status(archived)) == false)
    #expect(try volume.hasWriters(archived) == true)
    #expect(write(file, "late", 4) == 4)
    #expect(told[0].wasWrittenLate(try volume.status(archived)) == true)
    close(file)
    #expect(try volume.hasWriters(archived) == false)
    #expect(told[0].wasWrittenLate(nil) == nil)
  }

  @Test func aSweepFindsWhatWasWrittenLate() throws {
    let (directory, volume) = try makeVolume()
    let now = UTCTime(secondsSince1970: SystemTime().wallMilliseconds() / 1000)
    let old = UTCTime(secondsSince1970: now.secondsSince1970 - 500 * 86_400)
    place(directory, "quiet", old, "x")
    place(directory, "late", old, "x")
    let late = try #require(try VersionsArchive(volume: volume).versions(of: BytePath("late")).first)
    directory.write(late.archived.description, "written to just now")
    let swept = try VersionsArchive(volume: volume).sweep(VersionsPolicy(), now: now)
    #expect(swept.writtenLate.map(\.path) == [BytePath("late")])
    #expect(swept.removed == 1)
    #expect(directory.read(late.archived.description) != nil)
  }
}
