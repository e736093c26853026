import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// A node whose entries were taken back claims nothing until they are back.
@Suite struct WithheldWatermarkTests {
  private let node = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
  private let peer = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!
  private let author = AuthorTag(rawValue: 3)
  private let folder = FolderID(rawValue: 5)
  private let other = ReplicaID(rawValue: 7)

  /// A store with an entry of its own and one of another replica, both of which its watermark covers.
  private func openWithEntries() async throws -> (Store, [Mutation], VersionVector) {
    let store = try restingStore()
    let space = SpaceID.folder(folder)
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let value = StoredFileValue(FileValue(kind: .directory, permissions: 0o755)).encoded()
    let own = store.newVersion(basedOn: VersionVector(), author: author)
    let theirs = Version(
      vector: VersionVector([Dot(replica: other, counter: 7)]), dot: Dot(replica: other, counter: 7), stamp: own.stamp,
      author: AuthorTag(rawValue: 4))
    let entries = [
      Mutation.put(key: StoreKey.file(folder, BytePath("a")), value: value, version: own),
      .put(key: StoreKey.file(folder, BytePath("b")), value: value, version: theirs),
    ]
    var watermark = ByteWriter()
    watermark.watermark(Watermark(applied: theirs.vector))
    try await store.wait(
      try store.commit(entries + [.put(key: StoreKey.watermark(space), value: watermark.bytes, version: nil)]))
    return (store, entries, VersionVector([own.dot, theirs.dot]))
  }

  /// A new member connects once while they are away and once when they are back: it gets all of them.
  @Test(arguments: [true, false]) func whatComesBackReachesWhoHeardTheClaimMeanwhile(isForgotten: Bool) async throws {
    let (store, entries, everything) = try await openWithEntries()
    let space = SpaceID.folder(folder)
    let sent = Mutex<[(keys: [[UInt8]], watermark: Watermark)]>([])
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    replicator.install(
      Replicator.Hooks(
        enqueue: { _, outbound in
          guard case .batch(let batch, let claim?) = outbound, batch.space == space else { return }
          sent.withLock { $0.append((batch.items.map(\.key), claim.watermark)) }
        }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    await replicator.add(restingMirror(folder, store, author: author))
    if isForgotten { try await NewPlace.forget(folder, in: store) }

    var heard = VersionVector()
    var keys: [[UInt8]] = []
    func connect(_ session: UInt64) async {
      await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: session)
      for space in [SpaceID.group, space] {
        let since = space == .group ? 0 : replicator.engine.outgoing(peer, space)?.sent ?? 0
        await replicator.receive(
          .subscribe(
            SyncMessage.Subscribe(space: space, replica: store.replica, since: since, nonce: 1, watermark: heard)),
          from: peer)
        guard let through = replicator.engine.outgoing(peer, space)?.sent else { continue }
        await replicator.receive(
          .acknowledge(SyncMessage.Acknowledge(space: space, known: through, applied: through)), from: peer)
      }
      _ = replicator.tick()
      for batch in sent.withLock({ $0 }) {
        heard.merge(batch.watermark.applied)
        keys += batch.keys
      }
      sent.withLock { $0.removeAll() }
      replicator.disconnected(peer)
    }

    await connect(1)
    guard isForgotten else {
      #expect(heard == everything)
      return #expect(keys == entries.map(\.key))
    }
    #expect(heard.isEmpty)
    #expect(keys.isEmpty)

    let remote = store.list(prefix: StoreKey.remotePrefix(folder), limit: 10).map { Mutation.erase(key: $0.key) }
    #expect(remote.count == 2)
    try await store.wait(try store.commit(entries + remote))
    _ = replicator.tick()
    try await store.wait(CommitTicket(sequences: store.lastSequence...store.lastSequence))
    await connect(2)
    #expect(heard == everything)
    #expect(keys == entries.map(\.key))
  }

  /// On a slow link a batch waits for long: what was taken back since is not in it, and is not claimed with it, although it
  /// is back by now, behind the batch's end.
  @Test func whatIsTakenBackWhileABatchWaitsIsNotClaimed() async throws {
    let (store, entries, everything) = try await openWithEntries()
    let space = SpaceID.folder(folder)
    let waiting = Mutex<[(batch: SyncEngine.Batch, claim: Claim)]>([])
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    replicator.install(
      Replicator.Hooks(
        enqueue: { _, outbound in
          guard case .batch(let batch, let claim?) = outbound, batch.space == space else { return }
          waiting.withLock { $0.append((batch, claim)) }
        }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    let mirror = restingMirror(folder, store, author: author)
    await replicator.add(mirror)
    await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: 1)
    for space in [SpaceID.group, space] {
      await replicator.receive(
        .subscribe(
          SyncMessage.Subscribe(space: space, replica: store.replica, since: 0, nonce: 1, watermark: VersionVector())),
        from: peer)
      let through = replicator.engine.outgoing(peer, space)?.sent ?? 0
      if space == .group {
        await replicator.receive(
          .acknowledge(SyncMessage.Acknowledge(space: space, known: through, applied: through)), from: peer)
      }
    }
    let (batch, claim) = try #require(waiting.withLock { $0.last })
    #expect(claim.watermark.applied == everything)
    let changes = OutgoingChanges(store: store)
    let before = await changes.encoded(batch, claim: claim, mirror: mirror)
    #expect(before.isWhole && before.messages.last?.watermark?.applied == everything)

    try await NewPlace.forget(folder, in: store)
    let remote = store.list(prefix: StoreKey.remotePrefix(folder), limit: 10).map { Mutation.erase(key: $0.key) }
    try await store.wait(try store.commit(entries + remote))
    _ = replicator.tick()
    try await store.wait(CommitTicket(sequences: store.lastSequence...store.lastSequence))
    let after = await changes.encoded(batch, claim: claim, mirror: mirror)
    #expect(!after.isWhole && after.messages.allSatisfy { $0.watermark == nil })
  }
}
