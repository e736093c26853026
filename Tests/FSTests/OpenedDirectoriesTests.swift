import Glibc
import SoftadastraCore
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraFS

/// What a directory's owner has made read-only is opened up for a moment, and nobody sees it.
@Suite struct OpenedDirectoriesTests {
  private let directory = TemporaryDirectory()
  private let volume: LinuxVolume
  private let place = BytePath("place")

  init() throws { volume = try readOnlyDirectory(place, in: directory) }

  private func mode() -> mode_t {
    var status = stat()
    stat(directory.path + "/place", &status)
    return status.st_mode & 0o7777
  }

  private func make(_ name: String) throws {
    let file = try volume.stage(permissions: 0o644)
    try file.finish(size: 0, permissions: 0o644, modifiedNanoseconds: 1)
    _ = try volume.link(file, at: place.appending(Array(name.utf8)))
  }

  @Test func aFileIsMadeInIt() throws {
    try asUser {
      #expect(throws: SoftadastraError.self) { try make("refused") }
      let before = try volume.status(place)
      let isOpened = volume.openingUp(place) {
        #expect(mode() == 0o755)
        #expect((try? volume.status(place))??.fingerprint == before?.fingerprint)
        // Also for those who look by a listing.
        let listed = (try? volume.list(.root))?.first { $0.name == Array("place".utf8) }
        #expect(listed?.status.mode == 0o555)
        #expect(throws: Never.self) { try make("made") }
      }
      #expect(isOpened)
      #expect(mode() == 0o555)
      #expect(try volume.status(place)?.fingerprint == before?.fingerprint)
      #expect(try volume.status(place.appending(Array("made".utf8))) != nil)
    }
  }

  @Test func severalAtOnce() throws {
    try asUser {
      let isOpened = volume.openingUp(place) {
        let isOpenedAgain = volume.openingUp(place) {}
        #expect(isOpenedAgain)
        #expect(mode() == 0o755)
      }
      #expect(isOpened)
      #expect(mode() == 0o555)
    }
  }

  private func refused(_ path: BytePath) {
    let isOpened = volume.openingUp(path) { Issue.record("\(path) was opened up") }
    #expect(!isOpened)
  }

  /// What is refused for other reasons stays refused.
  @Test func onlyWhereTheModeIsTheReason() throws {
    try asUser {
      _ = try volume.setPermissions(ofDirectory: place, 0o755)
      refused(place)
      refused(BytePath("missing"))
    }
    guard geteuid() == 0 else { return }
    // Another owner's.
    chmod(directory.path + "/place", 0o555)
    chown(directory.path + "/place", 1, 1)
    try asUser { refused(place) }
    #expect(mode() == 0o555)
  }

  /// The kernel takes the set-group-ID bit away from who is not in the group.
  @Test(.enabled(if: geteuid() == 0)) func aGroupOfOthers() throws {
    chown(directory.path + "/place", 65534, 1234)
    chmod(directory.path + "/place", 0o2555)
    try asUser {
      let isOpened = volume.openingUp(place) {
        #expect(mode() & 0o777 == 0o755)
        #expect((try? volume.status(place))??.permissions == 0o555)
        #expect(throws: Never.self) { try make("made") }
      }
      #expect(isOpened)
      #expect(mode() & 0o777 == 0o555)
    }
  }

  /// Also where directories in between are still to be made.
  @Test func theDeepestThatExists() throws {
    try asUser {
      let path = BytePath("place/new/file")
      try volume.openingUpParent(of: path) { () throws(SoftadastraError) in
        _ = try volume.makeDirectory(path.parent, permissions: 0o755)
      }
      #expect(try volume.status(path.parent)?.kind == .directory)
      #expect(mode() == 0o555)
      #expect(throws: SoftadastraError.self) {
        try volume.openingUpParent(of: path) { () throws(SoftadastraError) in
          throw SoftadastraError(.device, "fails", why: "for another reason")
        }
      }
    }
  }

  /// A mode that it is given meanwhile is the one that it keeps.
  @Test func aNewModeMeanwhile() throws {
    try asUser {
      _ = volume.openingUp(place) {
        let status = try? volume.setPermissions(ofDirectory: place, 0o500)
        #expect(status?.mode == 0o500 && mode() == 0o700)
        #expect(throws: Never.self) { try make("made") }
      }
      #expect(mode() == 0o500)
      _ = volume.openingUp(place) { chmod(directory.path + "/place", 0o750) }
      #expect(mode() == 0o750)
    }
  }

  /// Whoever looks sees one mode, whenever that is.
  @Test func nobodySeesIt() throws {
    let isDone = Atomic(false)
    let (volume, place) = (volume, place)
    let seen = Mutex<Set<UInt16>>([])
    let thread = try #require(
      BackgroundThread(name: "looks") {
        while !isDone.load(ordering: .relaxed) {
          if let mode = (try? volume.status(place))??.mode { _ = seen.withLock { $0.insert(mode) } }
        }
      })
    try asUser {
      for _ in 0..<3000 { _ = volume.openingUp(place) {} }
    }
    isDone.store(true, ordering: .relaxed)
    thread.join()
    #expect(seen.withLock { $0 } == [0o555])
  }
}
