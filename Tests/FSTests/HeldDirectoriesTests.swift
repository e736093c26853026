import Glibc
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

@Suite struct HeldDirectoriesTests {
  private let name = BytePath("a/b/file")

  private func prepare(_ directory: TemporaryDirectory, _ text: String) {
    directory.makeDirectory("a")
    directory.makeDirectory("a/b")
    directory.write("a/b/file", text)
  }

  @Test func aRunSeesWhatItChangesItself() throws {
    let (directory, volume) = try makeVolume()
    prepare(directory, "1")
    let outcome: Result<FileStatus?, any Error> = volume.holdingDirectories {
      Result {
        #expect(try volume.status(name)?.kind == .file)
        try volume.discard(volume.displace(name), from: name, keep: true)
        try volume.removeDirectory(BytePath("a/b"))
        #expect(try volume.status(name) == nil)
        _ = try volume.makeDirectory(BytePath("a/b"), permissions: 0o755)
        _ = try volume.link(volume.staged([2]), at: name)
        _ = try volume.move(BytePath("a"), to: BytePath("c"))
        #expect(try volume.status(name) == nil)
        return try volume.status(BytePath("c/b/file"))
      }
    }
    #expect(try outcome.get()?.size == 1)
    #expect(directory.read("c/b/file") == [2])
  }

  @Test func whatAnotherProcessRenamesIsFoundByTheNextRun() throws {
    let (directory, volume) = try makeVolume()
    prepare(directory, "1")
    volume.holdDirectories {
      #expect((try? volume.status(name))??.size == 1)
      #expect(rename(directory.appending("a/b"), directory.appending("a/moved")) == 0)
    }
    volume.holdDirectories { #expect((try? volume.status(name)) == .some(nil)) }
    #expect(try volume.status(BytePath("a/moved/file"))?.size == 1)
  }

  @Test func aRunOnAnotherVolumeInsideHoldsNothing() throws {
    let (first, outer) = try makeVolume()
    let (second, inner) = try makeVolume()
    prepare(first, "1")
    prepare(second, "22")
    outer.holdDirectories {
      #expect((try? outer.status(name))??.size == 1)
      inner.holdDirectories { #expect((try? inner.status(name))??.size == 2) }
      #expect((try? outer.status(name))??.size == 1)
    }
  }

  @Test func anArchiveDirectoryThatWasEmptiedIsMadeAgain() throws {
    let (directory, volume) = try makeVolume()
    prepare(directory, "1")
    directory.write("a/b/other", "2")
    let outcome: Result<Void, any Error> = volume.holdingDirectories {
      Result {
        try volume.discard(volume.displace(name), from: name, keep: true)
        let archive = directory.appending(".softadastra/versions")
        #expect(rename(archive + "/a/b", archive + "/elsewhere") == 0)
        #expect(rmdir(archive + "/a") == 0)
        let other = BytePath("a/b/other")
        try volume.discard(volume.displace(other), from: other, keep: true)
      }
    }
    try outcome.get()
    let archived = try volume.list(BytePath(unchecked: LinuxVolume.versionsPath + Array("/a/b".utf8)))
    // Into the directory that was moved, as if before the move, or into a new one: never lost.
    #expect(archived.count <= 1)
    let staged = try volume.stagedNames()
    #expect(staged.isEmpty)
  }
}
