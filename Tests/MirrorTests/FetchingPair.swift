import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// Two nodes in memory: `here` knows of the file that `peer` has, and fetches its bytes.
struct FetchingPair {
  /// What becomes of a request.
  enum Answer { case served, servedLate, refused(SyncMessage.FetchFailure), silence }

  let peer: MirrorLife
  let here: MirrorLife
  let volumes: [MemoryVolume]
  private let path: BytePath
  private let served = Counter()

  /// - Parameters:
  ///   - others: connected, too; whatever they are asked for, `answer` decides.
  ///   - answer: by the node that is asked; what it serves comes from the peer.
  init(
    of content: [UInt8], at path: BytePath, others: [NodeID] = [],
    answer: @escaping @Sendable (NodeID, SyncMessage.Fetch) -> Answer = { _, _ in .served }
  ) async throws {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let own = Mutex<MirrorLife?>(nil)
    let served = self.served
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { node, message in
      guard case .fetch(let fetch) = message, let mirror = own.withLock({ $0 })?.mirror else { return }
      let answer = answer(node, fetch)
      Task {
        switch answer {
        case .silence: return
        case .refused(let reason): return await mirror.fetchFailed(fetch.request, reason, from: node)
        case .servedLate: try? await Task.sleep(for: .milliseconds(5))
        case .served: break
        }
        for answer in await peer.mirror.serve(fetch) {
          switch answer {
          case .data(let data):
            served.add(data.bytes.count)
            await mirror.received(data, from: node)
          case .fetchFailed(let request, let reason): await mirror.fetchFailed(request, reason, from: node)
          default: break
          }
        }
      }
    }
    own.withLock { $0 = here }
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    for (number, node) in others.enumerated() {
      await here.mirror.peerConnected(node, replica: ReplicaID(rawValue: UInt64(number + 1)), session: 1)
    }
    self.peer = peer
    self.here = here
    self.volumes = volumes
    self.path = path
  }

  var bytesServed: Int { served.value }
  var content: [UInt8]? { volumes[1].content(path) }

  /// The peer's changes, as its feed would bring them.
  func receive() async throws {
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    await here.mirror.feed(of: peer.node, isComplete: true)
  }

  /// The file is written at the peer, which sends what it knows.
  func edit(_ content: [UInt8]) async throws {
    volumes[0].write(path, content)
    await peer.mirror.handle([.changed(path)])
    #expect(await peer.rests())
    try await receive()
  }

  func end() async { for life in [peer, here] { await life.end() } }
}

/// Counted by several tasks.
final class Counter: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add(_ number: Int = 1) { count.add(number, ordering: .relaxed) }
}

/// Set at first.
final class SharedFlag: Sendable {
  private let value = Atomic(true)
  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }

  /// Whether it was set.
  @discardableResult func clear() -> Bool { value.exchange(false, ordering: .relaxed) }
}
