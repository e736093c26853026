import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraReplica

/// However much there is to say, each message is one that the other side takes.
@Suite struct MessageSizeTests {
  private let node = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
  private let peer = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!
  private let author = AuthorTag(rawValue: 3)
  private let folder = FolderID(rawValue: 5)

  /// The bases of many deltas were not there: their whole entries, 20 MiB of chunk hashes, are sent in one go.
  @Test func wholeEntriesComeInSeveralMessages() async throws {
    let store = try restingStore()
    let space = SpaceID.folder(folder)
    _ = try await ReplicaStart.begin(store, node: node, nonce: 1)
    let chunk = Manifest.Chunk(hash: ContentHash(high: 1, low: 1), length: 20_000)
    let manifest = Manifest(sizeClass: 0, chunks: [Manifest.Chunk](repeating: chunk, count: 20_000))
    let value = StoredFileValue(
      FileValue(kind: .file(size: 400_000_000, modifiedNanoseconds: 0, manifest), permissions: 0o644))
    let files = (0..<50).map { StoreKey.file(folder, BytePath("f\($0)")) }
    for key in files {
      let version = store.newVersion(basedOn: VersionVector(), author: author)
      try await store.wait(try store.commit([.put(key: key, value: value.encoded(), version: version)]))
    }
    let sent = Mutex<[(bytes: Int, changes: [Change])]>([])
    let replicator = Replicator(store: store, node: node, time: ManualTime())
    replicator.install(
      Replicator.Hooks(
        enqueue: { _, outbound in
          guard case .message(let message) = outbound, case .supplement(space, let changes) = message else { return }
          sent.withLock { $0.append((message.encoded().count, changes)) }
        }, groupChanged: {}, accepts: { _ in true }, valueConflict: { _ in }, failed: { _, _ in }))
    await replicator.add(restingMirror(folder, store, author: author))
    await replicator.connected(peer, replica: ReplicaID(rawValue: 8), nonce: 8, session: 1)
    let keys = files.map { Array($0.dropFirst(space.prefix.count)) }
    await replicator.receive(.want(space, keys: keys), from: peer)
    let messages = sent.withLock { $0 }
    #expect(messages.flatMap { $0.changes.map(\.key) } == keys)
    #expect(messages.allSatisfy { $0.bytes < 2 << 20 })
    #expect(messages.map(\.bytes).reduce(0, +) > Bounds.maxFrameBytes, "one message would have done")

    // What is not here is answered, too.
    sent.withLock { $0.removeAll() }
    await replicator.receive(.want(space, keys: [[1, 2, 3]]), from: peer)
    #expect(sent.withLock { $0.map(\.changes.count) } == [0])
  }

  /// A member publishes one for each space: they are not what a newcomer must know at once.
  @Test func aNewcomerGetsNoWatermarks() throws {
    let store = try restingStore()
    let keys = [
      WatermarkRecord.storeKey(.values, node), WatermarkRecord.storeKey(.folder(folder), node),
      SpaceID.group.prefix + [UInt8(ascii: "m")] + node.bytes,
    ]
    for key in keys {
      let version = store.newVersion(basedOn: VersionVector(), author: author)
      try store.commit([.put(key: key, value: [1], version: version)])
    }
    let records = OutgoingChanges(store: store).groupRecords().map { SpaceID.group.prefix + $0.key }
    #expect(records == [keys[2]])
  }
}
