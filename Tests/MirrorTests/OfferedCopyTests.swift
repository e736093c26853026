import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A conflict copy that this node derived is offered by a peer before the record of the derivation is made: the peer has
/// its bytes, and a restart must not forget that.
@Suite struct OfferedCopyTests {
  @Test func whatAPeerOffersIsNotDerivedAfterARestart() async throws {
    let volume = MemoryVolume()
    try MirrorLife.prepare(volume)
    let disk = MemoryDisk()
    let life = try MirrorLife(2, volume: volume, disk: disk)
    try await life.start()
    #expect(await life.rests())
    let dot = Dot(replica: ReplicaID(rawValue: 9), counter: 1)
    let copy = BytePath("file.conflict-20260101-000000-aaaaaaaa-123456")
    try await life.mirror.deriveThenReceive(copy, dot)
    await life.mirror.abandon()
    life.store.closeBlocking()

    let next = try MirrorLife(2, volume: volume, disk: disk.kill(), seed: 2)
    try await next.mirror.loadPending()
    #expect(await next.mirror.isDerived(copy, dot) == false)
    next.store.closeBlocking()
  }
}

extension FolderMirror {
  /// The batch that derives the copy is on its way into the log when the peer's offer comes, and is recorded after it.
  fileprivate func deriveThenReceive(_ path: BytePath, _ dot: Dot) async throws {
    let version = Version(
      vector: VersionVector([dot]), dot: dot, stamp: HybridTimestamp(rawValue: 1), author: AuthorTag(rawValue: 1))
    let chunk = Manifest.Chunk(hash: ContentHash(high: 1, low: 1), length: 200_000)
    let value = FileValue(
      kind: .file(size: 200_000, modifiedNanoseconds: 0, Manifest(sizeClass: 0, chunks: [chunk])), permissions: 0o644)
    let entry = FileEntry(version: version, stored: StoredFileValue(value), flags: .conflictCopy)
    var item = PendingTree.Item(path: path, entry: entry, origins: [])
    var (derivation, offer, receipt) = (RemoteRecords(), RemoteRecords(), Receipt())
    item.isDerived = true
    queue(item, from: nil, 0, &derivation, &receipt)
    item.isDerived = false
    queue(item, from: NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!, 1, &offer, &receipt)
    for records in [offer, derivation] { try await store.wait(try store.commit(mutations(of: records))) }
  }

  fileprivate func isDerived(_ path: BytePath, _ dot: Dot) -> Bool? { pending[path, dot]?.isDerived }
}
