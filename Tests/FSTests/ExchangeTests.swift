import Foundation
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

@Suite struct ExchangeTests {
  private let path = BytePath("f")

  private func transfer(_ volume: LinuxVolume) throws -> any StagedFile {
    let file = try volume.stage(named: "fetch-1")
    try Array("new".utf8).withUnsafeBytes { try file.write(at: 0, $0) }
    try file.finish(size: 3, permissions: 0o644, modifiedNanoseconds: 5)
    return file
  }

  /// A crash may come right behind it: what is left of a transfer is dropped, somebody's file is not.
  @Test func whatComesOutHasNotTheNameOfTheTransfer() throws {
    let (directory, volume) = try makeVolume()
    directory.write("f", "old")
    let (now, displaced) = try volume.exchange(try transfer(volume), at: path)
    #expect(now.modifiedNanoseconds == 5 && directory.read("f") == Array("new".utf8))
    #expect(try volume.stagedNames() == [displaced.stagedName] && displaced.stagedName.hasPrefix("swap-"))
    #expect(try volume.replace(displaced, at: BytePath("g")).size == 3 && directory.read("g") == Array("old".utf8))
  }

  @Test func aTransferThatFindsNothingToReplaceIsKept() throws {
    let (directory, volume) = try makeVolume()
    let file = try transfer(volume)
    expectError(.notFound) { _ = try volume.exchange(file, at: path) }
    #expect(try volume.stagedNames() == ["fetch-1"])
    directory.write("f", "old")
    let (_, displaced) = try volume.exchange(file, at: path)
    #expect(try volume.stagedNames() == [displaced.stagedName] && directory.read("f") == Array("new".utf8))
  }

  /// Everything may be opened by root: the test is somebody else while it works.
  private func asAnybody(in directory: TemporaryDirectory, _ body: () throws -> Void) throws {
    guard geteuid() == 0 else { return try body() }
    typealias SetFilesystemUser = @convention(c) (uid_t) -> Int32
    let symbol = try #require(dlsym(UnsafeMutableRawPointer(bitPattern: 0), "setfsuid"))
    let setFilesystemUser = unsafeBitCast(symbol, to: SetFilesystemUser.self)
    #expect(chown(directory.path, 65_534, gid_t.max) == 0)
    _ = setFilesystemUser(65_534)
    defer { _ = setFilesystemUser(0) }
    try body()
  }

  /// A kill before the exchange leaves a transfer with its final mode, which may be read-only.
  @Test func aTransferThatIsReadOnlyAlreadyIsOpenedAgain() throws {
    let directory = TemporaryDirectory()
    try asAnybody(in: directory) {
      let volume = try LinuxVolume(root: directory.path)
      try volume.prepareStaging()
      let cutOff = try volume.stage(named: "fetch-1")
      try cutOff.finish(size: 0, permissions: 0o444, modifiedNanoseconds: 5)
      for again in [try volume.stage(named: "fetch-1"), try volume.openStaged("fetch-1")] {
        try Array("new".utf8).withUnsafeBytes { try again.write(at: 0, $0) }
        try again.finish(size: 3, permissions: 0o444, modifiedNanoseconds: 5)
      }
      let file = try volume.openStaged("fetch-1")
      try file.finish(size: 3, permissions: 0o444, modifiedNanoseconds: 5)
      #expect(try volume.link(file, at: path).size == 3)
      // Somebody's own file keeps the mode that it has.
      let displaced = try volume.displace(path)
      #expect(throws: SoftadastraError.self) { try volume.openStaged(displaced.stagedName) }
      #expect(displaced.status.mode & 0o222 == 0)
      #expect(try volume.stagedStatus(displaced.stagedName)?.mode == displaced.status.mode)
    }
  }
}
