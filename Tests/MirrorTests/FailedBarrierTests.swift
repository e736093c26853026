import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// A batch whose barrier fails is tried again as a whole: what is to be placed, and what needs a record only.
@Suite struct FailedBarrierTests {
  private static let folder = FolderID(rawValue: 7)
  private static let group = GroupID(high: 1, low: 2)
  private static let peer = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!

  private final class Failures: Sendable { let count = Atomic<Int>(0) }

  private let volume = MemoryVolume()
  private let store = Store.inMemory(time: SystemTime(), random: SystemRandom(), sums: FolderTotals.rule)
  private let hasher = ContentHasher(secret: [UInt8](repeating: 7, count: ContentHasher.secretBytes))

  private func startedMirror() async throws -> FolderMirror {
    _ = try volume.makeDirectory(FolderMarker.path.parent, permissions: 0o700)
    try FolderMarker(group: Self.group, folder: Self.folder).write(to: volume)
    let mirror = FolderMirror(
      configuration: FolderMirror.Configuration(
        folder: Self.folder, group: Self.group, mode: .sendReceive, author: AuthorTag(rawValue: 1),
        granularityNanoseconds: 0, firstRequest: 1),
      volume: volume, store: store, hasher: hasher, pool: WorkerPool(threads: 1), time: SystemTime(),
      host: MirrorHost(settled: { _, _ in }, nothingPending: { _ in }, send: { _, _ in }, report: { _ in }))
    try await mirror.start()
    await mirror.rescan()
    await mirror.settle()
    return mirror
  }

  /// The peer's first version of a path: concurrent to all that is here, and losing against it.
  private func change(_ path: String, _ sequence: UInt64, value: [UInt8], content: [UInt8]) -> Change {
    let version = Version(
      vector: VersionVector(), dot: Dot(replica: ReplicaID(rawValue: 99), counter: sequence),
      stamp: HybridTimestamp(milliseconds: 1), author: AuthorTag(rawValue: 9))
    return Change(
      sequence: sequence, key: [UInt8(ascii: "p")] + Array(path.utf8), version: version, flags: [], value: value,
      content: content)
  }

  @Test func everythingInItIsTriedAgain() async throws {
    let same = Array("the same on both sides".utf8)
    volume.write(BytePath("a"), same)
    let mirror = try await startedMirror()
    let known = try #require(try store.get(StoreKey.file(Self.folder, BytePath("a"))))
    let failures = Failures()
    volume.fail { operation, _ in
      guard operation == .barrier, failures.count.load(ordering: .relaxed) == 0 else { return nil }
      failures.count.store(1, ordering: .relaxed)
      return EIO
    }
    let new = Array("new".utf8)
    let chunk = Manifest.Chunk(hash: hasher.hash(new), length: UInt32(new.count))
    let file = FileValue(
      kind: .file(size: 3, modifiedNanoseconds: 5, Manifest(sizeClass: 0, chunks: [chunk])), permissions: 0o644)
    _ = try await mirror.receive(
      [
        change("a", 1, value: known.value, content: same),
        change("b", 2, value: StoredFileValue(file).encoded(), content: new),
      ], from: Self.peer, cursor: nil)

    let deadline = ContinuousClock.now + .seconds(30)
    while await mirror.hasPending, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
    #expect(failures.count.load(ordering: .relaxed) == 1)
    #expect(await !mirror.hasPending)
    #expect(volume.content(BytePath("b")) == new)
    let version = try #require(try store.get(StoreKey.file(Self.folder, BytePath("a")))?.version)
    #expect(version.vector.covers(Dot(replica: ReplicaID(rawValue: 99), counter: 1)))
    await mirror.stop()
  }
}
