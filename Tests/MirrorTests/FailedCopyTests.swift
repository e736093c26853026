import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import Synchronization
import TestSupport
import Testing

/// What lost a conflict finds no name for its copy, because a call fails once.
@Suite struct FailedCopyTests {
  private final class Failures: Sendable { let count = Atomic(0) }

  /// - Parameter times: the second call would put it back to its place.
  @Test(arguments: [1, 2]) func itIsMadeWhereThatCan(times: Int) async throws {
    let path = BytePath("file")
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    let disks = [MemoryDisk(), MemoryDisk()]
    volumes[1].write(path, Array("ours".utf8))
    let here = try MirrorLife(2, volume: volumes[1], disk: disks[1])
    try await here.start()
    #expect(await here.rests())
    // Later, and not too soon: the peer's wins.
    try await Task.sleep(for: .milliseconds(5))
    volumes[0].write(path, Array("the peer's".utf8))
    let peer = try MirrorLife(1, volume: volumes[0], disk: disks[0])
    try await peer.start()
    #expect(await peer.rests())

    let failures = Failures()
    volumes[1].fail { operation, _ in
      guard operation == .replace, failures.count.load(ordering: .relaxed) < times else { return nil }
      failures.count.wrappingAdd(1, ordering: .relaxed)
      return EIO
    }
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await here.rests())

    #expect(failures.count.load(ordering: .relaxed) == times)
    #expect(volumes[1].content(path) == Array("the peer's".utf8))
    let copies = volumes[1].items().map(\.path).filter { $0.description.contains(".conflict-") }
    let archived = volumes[1].archived.compactMap { volumes[1].archivedContent($0) }
    if times == 1 {
      #expect(copies.compactMap { volumes[1].content($0) } == [Array("ours".utf8)])
      #expect(archived.isEmpty)
    } else {
      #expect(copies.isEmpty)
      #expect(archived == [Array("ours".utf8)])
    }
    #expect(try volumes[1].stagedNames().isEmpty)
    for life in [peer, here] { await life.end() }
  }
}
