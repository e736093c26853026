import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// What the driver of the sync engine keeps in mind while its parts come and go.
@Suite struct ReplicatorTests {
  private let peer = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!
  private let author = AuthorTag(rawValue: 3)
  private let folder = FolderID(rawValue: 5)

  private func hooks() -> Replicator.Hooks {
    Replicator.Hooks(
      enqueue: { _, _ in }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in })
  }

  @Test func whatAPeerAcknowledgedBeforeTheFolderWasHereCounts() async throws {
    let store = try restingStore()
    let space = SpaceID.folder(folder)
    let node = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let version = store.newVersion(basedOn: VersionVector(), author: author)
    let value = StoredFileValue(FileValue(kind: .directory, permissions: 0o755)).encoded()
    try await store.wait(
      try store.commit([.put(key: StoreKey.file(folder, BytePath("d")), value: value, version: version)]))
    let known = store.lastSequence
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    replicator.install(hooks())
    await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: 1)
    // It knows and has applied all of it already, and says so only once.
    await replicator.receive(
      .subscribe(
        SyncMessage.Subscribe(space: space, replica: store.replica, since: known, nonce: 1, watermark: VersionVector())),
      from: peer)
    await replicator.receive(
      .acknowledge(SyncMessage.Acknowledge(space: space, known: known, applied: known)), from: peer)
    await replicator.add(restingMirror(folder, store, author: author))
    #expect(replicator.engine.outgoing(peer, space)?.applied == known)
    #expect(replicator.engine.pending(for: peer, space, limit: 10, reading: replicator.feed).isEmpty)
  }

  /// While somebody writes, what a batch claims lies no further than it reaches: a peer that hears of more than it has got
  /// when the session ends never gets the rest.
  @Test func noBatchClaimsMoreThanItReaches() async throws {
    let store = try restingStore()
    let node = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let sent = Mutex<[(through: UInt64, claimed: UInt64)]>([])
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    replicator.install(
      Replicator.Hooks(
        enqueue: { _, outbound in
          guard case .batch(let batch, let claim?) = outbound, batch.space == .values else { return }
          sent.withLock { $0.append((batch.through, claim.watermark.applied[store.replica])) }
        }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: 1)
    for space in [SpaceID.group, .values] {
      await replicator.receive(
        .subscribe(
          SyncMessage.Subscribe(space: space, replica: store.replica, since: 0, nonce: 1, watermark: VersionVector())),
        from: peer)
    }
    let author = self.author
    let writer = Task.detached {
      var places: [UInt64: UInt64] = [:]
      for number in 0..<20_000 {
        let version = store.newVersion(basedOn: VersionVector(), author: author)
        let key = StoreKey.value(Array("\(number)".utf8))
        let ticket = try store.commit([.put(key: key, value: [], version: version)])
        places[version.dot.counter] = ticket.sequences.upperBound
        if number.isMultiple(of: 64) { try await store.wait(ticket) }
      }
      return places
    }
    let isDone = Mutex(false)
    let waiting = Task {
      defer { isDone.withLock { $0 = true } }
      return try await writer.value
    }
    while !isDone.withLock({ $0 }) {
      replicator.storeChanged()
      for space in [SpaceID.group, .values] {
        guard let through = replicator.engine.outgoing(peer, space)?.sent else { continue }
        await replicator.receive(
          .acknowledge(SyncMessage.Acknowledge(space: space, known: through, applied: through)), from: peer)
      }
      await Task.yield()
    }
    let places = try await waiting.value
    let claims = sent.withLock { $0 }.filter { $0.claimed > 0 }
    #expect(claims.count > 10)
    let tooFar = claims.filter { places[$0.claimed, default: 0] > $0.through }
    #expect(tooFar.isEmpty, "\(tooFar.count) of \(claims.count), such as \(String(describing: tooFar.first))")
  }
}
