import Foundation
import SoftadastraCore
import SoftadastraFS
import Synchronization
import TestSupport
import Testing

/// What every volume must do, run on the real one and on the one in memory: they must not drift apart.
@Suite struct VolumeContractTests {
  enum Kind: CaseIterable { case linux, memory }

  private func make(_ kind: Kind) throws -> (Any?, any Volume) {
    switch kind {
    case .linux:
      let (directory, volume) = try makeVolume()
      return (directory, volume)
    case .memory: return (nil, MemoryVolume())
    }
  }

  private func content(_ volume: any Volume, _ path: String) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 100)
    let file = try volume.openForReading(BytePath(path))
    let count = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    return Array(bytes.prefix(count))
  }

  @Test(arguments: Kind.allCases) func holds(_ kind: Kind) throws {
    let (keep, volume) = try make(kind)
    defer { withExtendedLifetime(keep) {} }
    _ = try volume.makeDirectory(BytePath("d"), permissions: 0o755)
    let linked = try volume.link(try volume.staged([1, 2, 3]), at: BytePath("d/a"))
    #expect(try volume.status(BytePath("d/a")) == linked)
    #expect(linked.mode == 0o644 && linked.size == 3 && linked.modifiedNanoseconds == 1_000_000_007)
    expectError(.conflict) { _ = try volume.link(try volume.staged([1]), at: BytePath("d/a")) }
    expectError(.notFound) { _ = try volume.link(try volume.staged([1]), at: BytePath("x/a")) }
    #expect(try volume.status(BytePath("d/a/b")) == nil)
    let (now, old) = try volume.exchange(try volume.staged([9]), at: BytePath("d/a"))
    #expect(old.status.inode == linked.inode && old.status.changedNanoseconds >= linked.changedNanoseconds)
    #expect(try volume.status(BytePath("d/a")) == now)
    #expect(try volume.stagedNames() == [old.stagedName])
    #expect(try volume.stagedStatus(old.stagedName) == old.status)
    let back = try volume.swapBack(old, at: BytePath("d/a"))
    #expect(try content(volume, "d/a") == [1, 2, 3])
    #expect(back.stagedName == old.stagedName && back.status.inode == now.inode)
    #expect(try volume.swapBack(back, at: BytePath("d/a")).status.inode == linked.inode)
    expectError(.notFound) { _ = try volume.swapBack(old, at: BytePath("d/none")) }
    #expect(try volume.replace(old, at: BytePath("d/b")).inode == linked.inode)
    #expect(try content(volume, "d/a") == [9])
    #expect(try content(volume, "d/b") == [1, 2, 3])
    expectError(.conflict) { _ = try volume.move(BytePath("d/a"), to: BytePath("d/b")) }
    expectError(.conflict) { try volume.removeDirectory(BytePath("d")) }
    let tree = try volume.displace(BytePath("d"))
    #expect(tree.status.kind == .directory)
    #expect(try volume.list(.root).filter { $0.name != BytePath.reservedName }.isEmpty)
    try volume.discard(tree, from: BytePath("d"), keep: true)
    #expect(try volume.stagedNames().isEmpty)
    expectError(.notFound) { _ = try volume.displace(BytePath("d")) }
    expectError(.notFound) { _ = try volume.openForReading(BytePath("d")) }
    let link = try volume.makeSymlink(Array("t".utf8), at: BytePath("l"), modifiedNanoseconds: 5)
    #expect(link.kind == .symlink && link.modifiedNanoseconds == 5)
    #expect(try volume.readLink(BytePath("l")) == Array("t".utf8))
    #expect(try volume.stagedStatus("none") == nil)
  }

  @Test func powerLossDropsWhatNoBarrierSaw() throws {
    let volume = MemoryVolume()
    volume.write(BytePath("a"), [1])
    try volume.barrier()
    volume.write(BytePath("a"), [2])
    volume.write(BytePath("b"), [2])
    let file = try volume.staged([3])
    volume.dropUnsynced()
    #expect(volume.paths == [BytePath("a")] && volume.content(BytePath("a")) == [1])
    #expect(throws: SoftadastraError.self) { try volume.link(file, at: BytePath("c")) }
  }

  @Test func faultsComeBeforeAnyChange() throws {
    let volume = MemoryVolume()
    let file = try volume.staged([1])
    volume.fail { operation, _ in operation == .link ? ENOSPC : nil }
    expectError(.noSpace) { _ = try volume.link(file, at: BytePath("a")) }
    #expect(volume.paths.isEmpty)
    volume.fail(nil)
    _ = try volume.link(file, at: BytePath("a"))
  }
}
