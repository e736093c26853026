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
}
