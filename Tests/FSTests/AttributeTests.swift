import Glibc
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

@Suite struct AttributeTests {
  /// A new time would hide what was written meanwhile.
  @Test func attributesAreSetOfTheFileThatWasLookedAtAlone() throws {
    let (directory, volume) = try makeVolume()
    directory.write("f", "x")
    let path = BytePath("f")
    let first = try #require(try volume.status(path))
    let set = try volume.setAttributes(
      path, permissions: 0o640, modifiedNanoseconds: -1_500_000_000, expecting: first.fingerprint)
    #expect(set.mode == 0o640 && set.modifiedNanoseconds == -1_500_000_000 && set.inode == first.inode)
    #expect(try volume.status(path) == set)
    func refuses(_ status: FileStatus) {
      expectError(.changed) {
        _ = try volume.setAttributes(
          path, permissions: 0o600, modifiedNanoseconds: 0, expecting: status.fingerprint)
      }
    }
    refuses(first)
    // The same size and time as before: the kernel's own time tells.
    directory.write("f", "y")
    var times = [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: -2, tv_nsec: 500_000_000)]
    #expect(utimensat(AT_FDCWD, directory.appending("f"), &times, 0) == 0)
    refuses(set)
    let written = try #require(try volume.status(path))
    #expect(written.modifiedNanoseconds == set.modifiedNanoseconds && written.mode == 0o640)
    _ = try volume.makeSymlink(Array("f".utf8), at: BytePath("l"), modifiedNanoseconds: 0)
    let link = try #require(try volume.status(BytePath("l")))
    expectError(.changed) {
      _ = try volume.setAttributes(
        BytePath("l"), permissions: 0o600, modifiedNanoseconds: 0, expecting: link.fingerprint)
    }
  }
}
