import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import TestSupport

/// A store in memory that nothing happens to by itself.
func restingStore(_ disk: MemoryDisk = MemoryDisk(), seed: UInt64 = 1) throws -> Store {
  try Store.open(
    disk: disk, options: StoreOptions(isMaintainedAutomatically: false), time: ManualTime(),
    random: SeededSource(seed: seed))
}

/// A folder that is not started: the replicator knows it, and nothing changes in it by itself.
func restingMirror(_ folder: FolderID, _ store: Store, author: AuthorTag) -> FolderMirror {
  FolderMirror(
    configuration: FolderMirror.Configuration(
      folder: folder, group: GroupID(high: 1, low: 1), mode: .sendReceive, author: author, granularityNanoseconds: 0),
    volume: MemoryVolume(), store: store, hasher: ContentHasher(secret: [UInt8](repeating: 7, count: 32)),
    pool: WorkerPool(threads: 1), time: ManualTime(),
    host: MirrorHost(settled: { _, _ in }, nothingPending: { _ in }, send: { _, _ in }, report: { _ in }))
}
