internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraStore
internal import Synchronization

/// Looks after one folder's versions archive in the background: keeps it within its limits, and looks again at what
/// has come in, in case a program still writes to it.
final class ArchiveUpkeep: Sendable {
  /// How long a file that came into the archive is left alone before the first look: many come in at once.
  private static let firstLookSeconds = 1.0
  private static let maxLookSeconds = 60.0
  /// Where the filesystem does not tell whether a file is open, so many looks are taken.
  private static let maxBlindLooks = 10
  /// Files looked at again by name; what is beyond waits for a sweep.
  private static let maxWatched = 4096
  private static let sweepSeconds = 3600.0
  /// An archive that grows by a tenth of its limit, or by this much, is swept before its time.
  private static let earlySweepBytes: UInt64 = 1 << 30
  /// Of the filesystem: the archive never takes more than this part of it.
  private static let filesystemShare: UInt64 = 10

  private let folder: FolderID
  private let volume: LinuxVolume
  private let mirror: FolderMirror
  private let pool: WorkerPool
  private let store: Store
  private let time: any TimeSource
  private let policy: VersionsPolicy
  private let arrivals: AsyncStream<Void>.Continuation
  private let stream: AsyncStream<Void>
  private let state = Mutex(State())

  private struct State {
    var new: [ArchivedFile] = []
    var bytesSinceSweep: UInt64 = 0
    /// By the monotonic clock, when the aging clock was last asked in this run.
    var askedAt: UInt64?
  }

  private struct Watched {
    let file: ArchivedFile
    var looks = 0
  }

  init(
    folder: FolderID, volume: LinuxVolume, mirror: FolderMirror, pool: WorkerPool, store: Store, time: any TimeSource,
    policy: VersionsPolicy
  ) {
    self.folder = folder
    self.volume = volume
    self.mirror = mirror
    self.pool = pool
    self.store = store
    self.time = time
    self.policy = policy
    (stream, arrivals) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    volume.tellOfArchived { [weak self] in self?.arrived($0) }
  }

  private func arrived(_ file: ArchivedFile) {
    guard file.status.kind == .file else { return }
    state.withLock { state in
      state.bytesSinceSweep += file.status.size
      if state.new.count < Self.maxWatched { state.new.append(file) }
    }
    arrivals.yield()
  }

  func stop() {
    volume.tellOfArchived(nil)
    arrivals.finish()
  }

  // MARK: Late writes

  /// Ends with `stop`. Sleeps while nothing comes into the archive.
  func watch() async {
    var watched: [Watched] = []
    var pause = Self.firstLookSeconds
    var arrivals = stream.makeAsyncIterator()
    while !Task.isCancelled {
      if watched.isEmpty {
        guard await arrivals.next() != nil else { return }
        pause = Self.firstLookSeconds
      }
      guard (try? await Task.sleep(for: .seconds(pause))) != nil else { return }
      let new = state.withLock { state in
        defer { state.new.removeAll() }
        return state.new
      }
      if !new.isEmpty { pause = Self.firstLookSeconds }
      watched += new.prefix(Self.maxWatched - watched.count).map { Watched(file: $0) }
      watched = await look(at: watched)
      pause = min(pause * 2, Self.maxLookSeconds)
      if state.withLock({ $0.bytesSinceSweep }) > earlySweep { await sweep() }
    }
  }

  /// Those that may still be written to.
  private func look(at watched: [Watched]) async -> [Watched] {
    let volume = self.volume
    let (late, open) = await pool.run {
      var late: [ArchivedFile] = []
      var open: [Watched] = []
      for var item in watched {
        let status = (try? volume.status(item.file.archived)).flatMap { $0 }
        guard let isLate = item.file.wasWrittenLate(status) else { continue }
        if isLate {
          late.append(item.file)
          continue
        }
        item.looks += 1
        let hasWriters = (try? volume.hasWriters(item.file.archived)).flatMap { $0 }
        if hasWriters ?? (item.looks < Self.maxBlindLooks) { open.append(item) }
      }
      return (late, open)
    }
    for file in late { await mirror.keepLateBytes(file.archived, of: file.path) }
    return open
  }

  // MARK: Limits

  private var earlySweep: UInt64 {
    policy.maxBytes == 0 ? Self.earlySweepBytes : min(Self.earlySweepBytes, policy.maxBytes / 10)
  }

  /// At once, then about every hour.
  func sweepRegularly() async {
    while !Task.isCancelled {
      await sweep()
      let seconds = Self.sweepSeconds * Double.random(in: 0.9...1.1)
      guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
    }
  }

  func sweep() async {
    let now = agedNow()
    state.withLock { $0.bytesSinceSweep = 0 }
    let archive = VersionsArchive(volume: volume)
    let policy = self.policy
    let swept: VersionsArchive.Sweep? = await pool.run {
      var effective = policy
      if effective.maxBytes > 0, let total = try? archive.volume.space().total, total > 0 {
        effective.maxBytes = min(effective.maxBytes, total / Self.filesystemShare)
      }
      return try? archive.sweep(effective, now: now) { version in
        version.status.kind == .file && (try? archive.volume.hasWriters(version.archived)).flatMap { $0 } == true
      }
    }
    for version in swept?.writtenLate ?? [] { await mirror.keepLateBytes(version.archived, of: version.path) }
  }

  /// What versions age by; remembered over restarts.
  private func agedNow() -> UTCTime {
    let settings = NodeSettings(store: store)
    let monotonic = time.monotonicNanoseconds()
    let elapsed = state.withLock { state -> Int64? in
      defer { state.askedAt = monotonic }
      return state.askedAt.map { Int64((monotonic - min($0, monotonic)) / 1_000_000_000) }
    }
    let wall = UTCTime(secondsSince1970: time.wallMilliseconds() / 1000)
    let now = AgingClock.now(recorded: settings.agingClock(of: folder), elapsedSeconds: elapsed, wall: wall)
    _ = try? store.commit([settings.agingClockMutation(now, of: folder)])
    return now
  }
}
