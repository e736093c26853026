import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// A version is known, and its author says that its bytes are not there: that may pass. It is waited for, and comes.
@Suite struct MissingContentTests {
  @Test(arguments: [SyncMessage.FetchFailure.superseded, .unreadable])
  func itIsWaitedForAndComes(answer: SyncMessage.FetchFailure) async throws {
    let path = BytePath("file")
    let content = [UInt8](repeating: 7, count: Change.maxInlineBytes + 1)
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let own = Mutex<MirrorLife?>(nil)
    let refuses = Atomic(true)
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { message in
      guard case .fetch(let fetch) = message, let mirror = own.withLock({ $0 })?.mirror else { return }
      guard !refuses.load(ordering: .relaxed) else {
        return await mirror.fetchFailed(fetch.request, answer, from: peer.node)
      }
      for case .data(let data) in await peer.mirror.serve(fetch) { await mirror.received(data, from: peer.node) }
    }
    own.withLock { $0 = here }
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    await here.mirror.feed(of: peer.node, isComplete: true)
    #expect(await !here.rests(seconds: 0.3))
    #expect(try volumes[1].status(path) == nil)

    refuses.store(false, ordering: .relaxed)
    #expect(await here.rests())
    #expect(volumes[1].content(path) == content)
    for life in [peer, here] { await life.end() }
  }

  /// The peer has just started: it did not know the folder yet when the first range was asked for, and did for the rest.
  @Test func aRangeThatFailedWhileOthersCameIsAskedForAgain() async throws {
    let path = BytePath("file")
    var random = SeededRandom(seed: 5)
    let content = (0..<5 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let own = Mutex<MirrorLife?>(nil)
    let asked = Atomic(0)
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { message in
      guard case .fetch(let fetch) = message, let mirror = own.withLock({ $0 })?.mirror else { return }
      guard asked.add(1, ordering: .relaxed).oldValue > 0 else {
        return await mirror.fetchFailed(fetch.request, .unknownFolder, from: peer.node)
      }
      for case .data(let data) in await peer.mirror.serve(fetch) { await mirror.received(data, from: peer.node) }
    }
    own.withLock { $0 = here }
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    await here.mirror.feed(of: peer.node, isComplete: true)
    #expect(await here.rests())
    let isSame = volumes[1].content(path) == content
    #expect(isSame)
    #expect(asked.load(ordering: .relaxed) > 5)
    for life in [peer, here] { await life.end() }
  }
}
