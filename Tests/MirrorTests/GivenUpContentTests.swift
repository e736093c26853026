import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// A version is known whose bytes the peer does not have any more.
@Suite struct GivenUpContentTests {
  private let path = BytePath("file")

  /// A node that knows of a large file of the peer's, which answers every request for it in this way.
  private func life(
    _ answer: SyncMessage.FetchFailure, isEverybodyHere: Bool, hasApplied: Bool
  ) async throws -> (MirrorLife, MemoryVolume) {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(path, [UInt8](repeating: 7, count: Change.maxInlineBytes + 1))
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    try await peer.start()
    #expect(await peer.rests())
    let own = Mutex<MirrorLife?>(nil)
    let here = try MirrorLife(
      2, volume: volumes[1], disk: MemoryDisk(),
      members: isEverybodyHere
        ? [peer.node] : [peer.node, NodeID(bytes: [UInt8](repeating: 3, count: NodeID.byteCount))!]
    ) { message in
      guard case .fetch(let fetch) = message else { return }
      await own.withLock { $0 }?.mirror.fetchFailed(fetch.request, answer, from: peer.node)
    }
    own.withLock { $0 = here }
    try await here.start()
    #expect(await here.rests())
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    await here.mirror.feed(of: peer.node, applied: nil)
    let changes = await peer.changes()
    _ = try await here.mirror.receive(changes, from: peer.node, cursor: nil)
    #expect(await !here.rests(seconds: 0.2), "more may be to come")
    var applied = VersionVector()
    if hasApplied { for change in changes { applied.add(change.version.dot) } }
    await here.mirror.feed(of: peer.node, applied: applied)
    await peer.end()
    return (here, volumes[1])
  }

  @Test func itIsWaitedForWhileSomebodyIsAway() async throws {
    let (here, _) = try await life(.superseded, isEverybodyHere: false, hasApplied: false)
    #expect(await !here.rests(seconds: 0.5))
    await here.end()
  }

  @Test func itIsWaitedForWhereItOnlyCannotBeRead() async throws {
    let (here, _) = try await life(.unreadable, isEverybodyHere: true, hasApplied: true)
    #expect(await !here.rests(seconds: 0.5))
    await here.end()
  }
}
