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
  private let path = BytePath("file")

  /// A node that knows of the file that a peer has, and to which `refusal` answers some of its requests.
  private struct Receiver {
    let peer: MirrorLife
    let here: MirrorLife
    let volume: MemoryVolume

    init(
      of content: [UInt8], at path: BytePath, refusal: @escaping @Sendable () -> SyncMessage.FetchFailure?
    ) async throws {
      let volumes = [MemoryVolume(), MemoryVolume()]
      for volume in volumes { try MirrorLife.prepare(volume) }
      volumes[0].write(path, content)
      let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
      let own = Mutex<MirrorLife?>(nil)
      let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { message in
        guard case .fetch(let fetch) = message, let mirror = own.withLock({ $0 })?.mirror else { return }
        if let failure = refusal() { return await mirror.fetchFailed(fetch.request, failure, from: peer.node) }
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
      self.peer = peer
      self.here = here
      volume = volumes[1]
    }

    func end() async { for life in [peer, here] { await life.end() } }
  }

  @Test(arguments: [SyncMessage.FetchFailure.superseded, .unreadable])
  func itIsWaitedForAndComes(answer: SyncMessage.FetchFailure) async throws {
    let content = [UInt8](repeating: 7, count: Change.maxInlineBytes + 1)
    let refuses = SharedFlag()
    let receiver = try await Receiver(of: content, at: path) { refuses.isSet ? answer : nil }
    #expect(await !receiver.here.rests(seconds: 0.3))
    #expect(try receiver.volume.status(path) == nil)

    refuses.clear()
    #expect(await receiver.here.rests())
    #expect(receiver.volume.content(path) == content)
    await receiver.end()
  }

  /// The peer has just started: it did not know the folder yet when the first range was asked for, and did for the rest.
  @Test func aRangeThatFailedWhileOthersCameIsAskedForAgain() async throws {
    var random = SeededRandom(seed: 5)
    let content = (0..<5 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
    let isFirst = SharedFlag()
    let receiver = try await Receiver(of: content, at: path) { isFirst.clear() ? .unknownFolder : nil }
    #expect(await receiver.here.rests())
    let isSame = receiver.volume.content(path) == content
    #expect(isSame)
    #expect(!isFirst.isSet, "nothing was refused")
    await receiver.end()
  }
}

/// Set at first.
private final class SharedFlag: Sendable {
  private let value = Atomic(true)
  var isSet: Bool { value.load(ordering: .relaxed) }

  /// Whether it was set.
  @discardableResult func clear() -> Bool { value.exchange(false, ordering: .relaxed) }
}
