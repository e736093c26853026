import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// One life of a folder's mirror over a volume and a disk in memory, with the node around it left out.
final class MirrorLife: Sendable {
  static let folder = FolderID(rawValue: 0xF01D)
  static let group = GroupID(high: 1, low: 1)
  private static let secret = [UInt8](repeating: 7, count: ContentHasher.secretBytes)

  let node: NodeID
  let store: Store
  let mirror: FolderMirror

  /// - Parameter fetch: asks somebody else for content, who answers the mirror.
  init(
    _ number: UInt8, volume: MemoryVolume, disk: MemoryDisk, isAfterPowerLoss: Bool = false, seed: UInt64 = 1,
    mode: MirrorMode = .sendReceive, granularityNanoseconds: Int64 = 0,
    fetch: @escaping @Sendable (NodeID, SyncMessage) async -> Void = { _, _ in }
  ) throws {
    node = NodeID(bytes: [UInt8](repeating: number, count: NodeID.byteCount))!
    store = try Store.open(
      disk: disk,
      options: StoreOptions(segmentBytes: 64 << 10, isMaintainedAutomatically: false, sums: FolderTotals.rule),
      time: FastTime(),
      random: SeededSource(seed: UInt64(number) << 32 | seed))
    var configuration = FolderMirror.Configuration(
      folder: Self.folder, group: Self.group, mode: mode, author: node.tag,
      granularityNanoseconds: granularityNanoseconds)
    configuration.isAfterPowerLoss = isAfterPowerLoss
    mirror = FolderMirror(
      configuration: configuration, volume: volume, store: store, hasher: ContentHasher(secret: Self.secret),
      pool: WorkerPool(threads: 2), time: FastTime(),
      host: MirrorHost(
        settled: { _, _ in }, nothingPending: { _ in }, send: fetch, report: { _ in }))
  }

  static func prepare(_ volume: MemoryVolume) throws {
    _ = try volume.makeDirectory(FolderMarker.path.parent, permissions: 0o700)
    try FolderMarker(group: group, folder: folder).write(to: volume)
    try volume.barrier()
  }

  /// Two nodes in memory, `here` with what `peer` has: one file.
  static func sharing(
    _ path: BytePath, _ content: [UInt8]
  ) async throws -> (peer: MirrorLife, here: MirrorLife, volumes: [MemoryVolume]) {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try prepare(volume) }
    volumes[0].write(path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk())
    for life in [peer, here] { try await life.start() }
    #expect(await peer.rests())
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await here.rests())
    return (peer, here, volumes)
  }

  func start() async throws {
    try await mirror.start()
    await mirror.rescan()
  }

  /// False if it does not come to rest in time.
  func rests(seconds: Double = 10) async -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(seconds)
    while await !mirror.isSettled {
      if clock.now > deadline { return false }
      try? await Task.sleep(for: .milliseconds(1))
    }
    return true
  }

  func end() async {
    await mirror.stop()
    store.closeBlocking()
  }

  /// Everything in its feed, as it would send it.
  func changes() async -> [Change] {
    let page = store.changes(prefix: SpaceID.folder(Self.folder).prefix, since: 0, limit: .max, upTo: .max)
    let items = page.entries.compactMap { key, summary in
      summary.dot.map { FeedPage.Item(key: key, sequence: summary.sequence, dot: $0) }
    }
    return await mirror.changes(for: items, peerWatermark: VersionVector(), sent: SentVersions())
  }

  /// Versions of the folder that this store's own replica wrote.
  var ownVersions: [BytePath] {
    store.list(prefix: StoreKey.filePrefix(Self.folder), limit: .max, includeDeleted: true)
      .filter { $0.summary.dot?.replica == store.replica }
      .compactMap { StoreKey.path(ofFileKey: $0.key) }
  }
}

/// The machine's clocks; what waits a second waits a hundredth of it.
struct FastTime: TimeSource {
  private static let factor: UInt64 = 100
  private let system = SystemTime()
  func wallMilliseconds() -> Int64 { system.wallMilliseconds() }
  func monotonicNanoseconds() -> UInt64 { system.monotonicNanoseconds() &* Self.factor }
  func sleep(nanoseconds: UInt64) async { await system.sleep(nanoseconds: nanoseconds / Self.factor) }
}
