import Foundation
import SoftadastraCore
import TestSupport
import Testing

@testable import SoftadastraFS

/// An archived version is taken back to be written to: never one that anybody else can still see.
@Suite struct ReuseTests {
  private let path = BytePath("file")

  private func archived(_ volume: LinuxVolume) throws -> ArchivedFile {
    _ = try volume.link(try volume.staged([1, 2, 3], permissions: 0o444), at: path)
    let displaced = try volume.displace(path)
    let place = try #require(try volume.archive(displaced, from: path, as: .replaced))
    return ArchivedFile(archived: place, path: path, status: displaced.status)
  }

  @Test func itMovesWithItsContentAndCanBeWritten() throws {
    let (directory, volume) = try makeVolume()
    let file = try archived(volume)
    #expect(try volume.reuse(file, as: "fetch-1"))
    #expect(try volume.status(file.archived) == nil)
    #expect(try volume.stagedNames() == ["fetch-1"])
    try volume.renameStaged("fetch-1", to: "fetch-2")
    #expect(try volume.stagedNames() == ["fetch-2"])
    let staged = try volume.openStaged("fetch-2")
    try [UInt8](arrayLiteral: 9).withUnsafeBytes { try staged.write(at: 2, $0) }
    let status = try volume.link(staged, at: path)
    #expect(status.size == 3 && status.inode == file.status.inode)
    #expect(try Data(contentsOf: URL(filePath: directory.path + "/file")) == Data([1, 2, 9]))
  }

  @Test func notWhileAnybodyReadsItOrHasAnotherNameForIt() throws {
    let (directory, volume) = try makeVolume()
    var file = try archived(volume)
    let real = directory.path + "/" + file.archived.description
    let reader = try volume.openForReading(file.archived)
    #expect(try !volume.reuse(file, as: "fetch-1"))
    _ = try reader.status()
    withExtendedLifetime(reader) {}

    try FileManager.default.linkItem(atPath: real, toPath: directory.path + "/second")
    file = ArchivedFile(
      archived: file.archived, path: path, status: try #require(try volume.status(file.archived)))
    #expect(try !volume.reuse(file, as: "fetch-1"))
    try FileManager.default.removeItem(atPath: directory.path + "/second")

    let late = try FileHandle(forWritingTo: URL(filePath: real))
    try late.seekToEnd()
    try late.write(contentsOf: Data([4]))
    try late.close()
    #expect(try !volume.reuse(file, as: "fetch-1"), "it was written to")
    #expect(try volume.status(file.archived)?.size == 4)
    #expect(try volume.stagedNames().isEmpty)
  }
}
