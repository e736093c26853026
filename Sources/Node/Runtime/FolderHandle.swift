internal import Logging
internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync
internal import Synchronization

/// One watched folder as it runs: its volume, watcher and mirror, and the hourly rescan.
final class FolderHandle: Sendable {
  let id: FolderID
  let name: String
  let path: String
  let mode: MirrorMode
  let volume: LinuxVolume
  let mirror: FolderMirror
  let watcher: Watcher
  private let upkeep: ArchiveUpkeep
  /// What travels from the watcher's thread to the mirror, in order.
  private enum Delivery: Sendable {
    case events([WatchEvent])
    /// Everything before it was handed over.
    case marker(CheckedContinuation<Void, Never>)
  }
  private let events: AsyncStream<Delivery>.Continuation
  private let tasks: Mutex<[Task<Void, Never>]>

  init(
    id: FolderID, index: UInt64, name: String, path: String, mode: MirrorMode, group: GroupState, author: AuthorTag,
    store: Store,
    pool: WorkerPool, time: any TimeSource, host: MirrorHost, rescanSeconds: Int, fullScan: Bool,
    minFreePercent: Int, versions: VersionsPolicy, isAfterPowerLoss: Bool
  ) async throws(SoftadastraError) {
    self.id = id
    self.name = name
    self.path = path
    self.mode = mode
    let volume = try LinuxVolume(root: path)
    try volume.prepareStaging()
    self.volume = volume
    var configuration = FolderMirror.Configuration(
      folder: id, group: group.id, mode: mode, author: author,
      granularityNanoseconds: volume.timestampGranularityNanoseconds,
      firstRequest: index << FolderMirror.Configuration.requestBits | 1)
    configuration.minFreePercent = minFreePercent
    configuration.isAfterPowerLoss = isAfterPowerLoss
    if isAfterPowerLoss, let mark = try DurableMark.read(id, in: store) {
      configuration.bootedAtNanoseconds = Boot.startedNanoseconds(after: mark.wallMilliseconds)
    }
    mirror = FolderMirror(
      configuration: configuration, volume: volume, store: store, hasher: ContentHasher(secret: group.hashSecret),
      pool: pool, time: time, host: host)
    let (stream, events) = AsyncStream<Delivery>.makeStream()
    self.events = events
    watcher = try Watcher(root: path) { events.yield(.events($0)) }
    let upkeep = ArchiveUpkeep(
      folder: id, volume: volume, mirror: mirror, pool: pool, store: store, time: time, policy: versions)
    self.upkeep = upkeep
    let mirror = self.mirror
    let watcher = self.watcher
    try await mirror.start()
    let feed = Task {
      for await delivery in stream {
        switch delivery {
        case .events(let batch): await mirror.handle(batch)
        case .marker(let continuation): continuation.resume()
        }
      }
    }
    // Watches first, then the scan: what changes in between is seen twice, never not at all.
    await pool.run { watcher.start() }
    await mirror.rescan()
    let rescan = Task {
      while !Task.isCancelled {
        // Up to a tenth of jitter, so that nodes and folders do not scan in step.
        let seconds = Double(rescanSeconds) * Double.random(in: 0.95...1.05)
        guard rescanSeconds > 0, (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
        await mirror.rescan()
      }
    }
    let looking = Task { await upkeep.watch() }
    let sweeping = Task { await upkeep.sweepRegularly() }
    tasks = Mutex([feed, rescan, looking, sweeping])
  }

  /// Everything that happened in the folder before the call is taken in, and what can be applied is.
  func settle() async {
    await watcher.drain()
    await withCheckedContinuation { continuation in
      if case .terminated = events.yield(.marker(continuation)) { continuation.resume() }
    }
    await mirror.settle()
  }

  func stop() async {
    watcher.stop()
    upkeep.stop()
    events.finish()
    for task in tasks.withLock({ $0 }) { task.cancel() }
    await mirror.markDurable()
    await mirror.stop()
  }
}
