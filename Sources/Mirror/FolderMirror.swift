public import SoftadastraCore
public import SoftadastraFS
public import SoftadastraStore
internal import SoftadastraSync

/// Keeps one directory and the store's entries of one folder equal, both ways.
///
/// Two loops run side by side. The *observing* loop takes what the watcher and scans name, looks at the disk and
/// records what differs from the synced tree as local versions. The *applying* loop takes what peers want (the
/// remote tree) and carries it out on disk. A path belongs to one loop at a time (`busy`); everything that blocks
/// runs on the worker pool, and nothing is awaited while half a change is in memory only.
public actor FolderMirror {
  public struct Configuration: Sendable {
    public var folder: FolderID
    public var group: GroupID
    public var mode: MirrorMode
    public var author: AuthorTag
    /// Timestamps this close may hide a later write; 0 where the filesystem tells every write apart.
    public var granularityNanoseconds: Int64
    /// Where this folder's request numbers begin; the node tells folders apart by them.
    public var firstRequest: UInt64
    /// Percent of the filesystem that content from peers leaves free.
    public var minFreePercent = 0
    /// The machine was started anew since this folder was mirrored last: what was not yet durable then is checked.
    public var isAfterPowerLoss = false
    /// When that was, by the clock of file times; nil where that clock may have gone back since.
    public var bootedAtNanoseconds: Int64?

    /// The low bits of a request number count; those above are the folder's.
    public static let requestBits: UInt64 = 40

    public func ownsRequest(_ request: UInt64) -> Bool {
      request >> Self.requestBits == firstRequest >> Self.requestBits
    }

    public init(
      folder: FolderID, group: GroupID, mode: MirrorMode, author: AuthorTag, granularityNanoseconds: Int64,
      firstRequest: UInt64 = 1
    ) {
      self.firstRequest = firstRequest
      self.folder = folder
      self.group = group
      self.mode = mode
      self.author = author
      self.granularityNanoseconds = granularityNanoseconds
    }
  }

  /// Content of small files that may wait in memory to be applied; beyond it a sender is held back.
  static let maxInlineBytesHeld = 16 << 20
  /// Changes that may wait in memory to be applied, beyond those that are blocked or being fetched.
  static let maxQueuedHeld = 4096
  static let observeBatch = 1024
  static let applyBatch = 512
  /// Paths handed to one worker at a time.
  static let slice = 64

  public nonisolated let configuration: Configuration
  public nonisolated var folder: FolderID { configuration.folder }
  nonisolated let volume: any Volume
  nonisolated let store: Store
  nonisolated let pool: WorkerPool
  nonisolated let reader: ContentReader
  nonisolated let observer: Observer
  nonisolated let made = MadeDirectories()
  nonisolated let spares: SpareVersions
  nonisolated let recentContent = RecentContent()
  nonisolated let time: any TimeSource
  nonisolated let host: MirrorHost
  nonisolated let isIgnored: @Sendable (BytePath, Bool) -> Bool

  // Observing
  var dirty: Set<BytePath> = []
  /// Of these, what others wait for: looked at with the next batch, however many there are.
  var urgent: Set<BytePath> = []
  var frontier: [BytePath] = []
  var scanWidth = ScanWidth()
  nonisolated let scanRoom = ScanRoom()
  /// Directories that could not be read, and are read again in a while.
  var unreadable: Set<BytePath> = []
  /// Directories that are being compared: what was read in them may not be recorded yet.
  var comparing: [BytePath] = []
  var pace = ObservingPace()
  var moves: [(from: BytePath, to: BytePath, isDirectory: Bool)] = []
  /// Became dirty while another loop held them.
  var deferred: Set<BytePath> = []
  /// Changed while they were read, or wait for what they lie in: they become dirty again in a moment.
  var changing: Set<BytePath> = []
  /// Of these, what takes long to read: until then nobody looks, whatever happens to them.
  var resting: Set<BytePath> = []
  var fresh = FreshFiles()
  /// Taken in so soon after a write that another one could carry the same timestamps: to be read again.
  var unsettled: Set<BytePath> = []
  /// Paths that somebody wrote to. Where a peer's file was placed at that moment, its fingerprint was taken after the
  /// write: the bytes decide.
  var written: Set<BytePath> = []
  var observeSignal = WakeUp()
  /// Paths that cannot be taken in, with the reason.
  var unsupported: [BytePath: SoftadastraError] = [:]
  var isObserving = false
  var brake = DeletionBrake()
  /// What the first scan named and is not looked at yet.
  var scanRest: Set<BytePath>?
  var gauge: SpaceGauge
  /// Files that a program wrote to after they had been replaced: taken in as conflict copies.
  var lateCopies: Set<BytePath> = []

  // Applying
  var pending = PendingTree()
  var busy: Set<BytePath> = []
  /// Trees that are being moved: everything in them waits until the move is recorded.
  var moving: [BytePath] = []
  var applySignal = WakeUp()
  /// Batches that are on disk and wait for their barrier and record.
  var finishing = 0
  var unfinished: [Unfinished] = []
  var unfinishedCount = 0
  var isFinishing = false
  /// Somebody waits for what is unfinished.
  var mustFinish = false
  /// A durable mark comes in a while.
  var isMarkDue = false
  /// Among what is unfinished are deletions: emptied directories go when they are recorded.
  var hasUnfinishedDeletions = false
  /// A look at what is unfinished is due later.
  var isFinishPlanned = false
  /// A directory could not be made or recorded, and something has waited ever since.
  var hasBlockedDirectories = false
  var barrierPace = BarrierPace()
  var isApplying = false
  var held: [CheckedContinuation<Void, Never>] = []
  /// Peers that have said all that they knew when they were last heard of; nobody at the start.
  var completeFeeds: Set<NodeID> = []
  /// Wait for one of their senders to have said all.
  var awaitingFeeds: [FetchKey] = []
  /// Wait for what concerns another path, by the milliseconds that they wait.
  var waiting: [Int: [FetchKey]] = [:]
  /// The next look at what is blocked.
  var retryAt: UInt64?

  // Fetching
  var fetches: [FetchKey: FetchState] = [:]
  /// Being prepared: local chunks are copied.
  var seeding: Set<FetchKey> = []
  var fetchQueue: [FetchKey] = []
  /// Of large files that nobody had the rest of: what of each is here, so that it is not read again at every try.
  var pausedPlans: [FetchKey: FetchPlan] = [:]
  /// Files of transfers in the staging area.
  var staged: Set<String> = []
  /// Of those, how many pieces are being written to each right now.
  var writing: [String: Int] = [:]
  var requests: [UInt64: FetchKey] = [:]
  var nextRequest: UInt64
  var window = FetchWindow()
  var sources: [NodeID] = []
  /// Of each source, the session it is connected by, and of each peer the last one that ended.
  var sessions: [NodeID: UInt64] = [:]
  var replicas: [NodeID: ReplicaID] = [:]
  var endedSessions: [NodeID: UInt64] = [:]

  /// Deleted elsewhere, and not put away yet.
  var unwanted = UnwantedVersions()
  /// Steps on disk that are not recorded yet, beside those of batches: renames of peers, and what is put away.
  var halfDone = 0

  var state = MirrorState.scanning
  var isRunning = false
  /// Nothing new is applied.
  var isStopping = false
  /// Wait until some batch is done.
  var batchWaiters: [CheckedContinuation<Void, Never>] = []
  var idleWaiters: [CheckedContinuation<Void, Never>] = []

  public init(
    configuration: Configuration, volume: any Volume, store: Store, hasher: ContentHasher, pool: WorkerPool,
    time: any TimeSource, host: MirrorHost, isIgnored: @escaping @Sendable (BytePath, Bool) -> Bool = { _, _ in false }
  ) {
    self.configuration = configuration
    nextRequest = configuration.firstRequest
    gauge = SpaceGauge(minFreePercent: configuration.minFreePercent)
    self.volume = volume
    self.store = store
    self.pool = pool
    self.time = time
    self.host = host
    self.isIgnored = isIgnored
    reader = ContentReader(volume: volume, hasher: hasher)
    spares = SpareVersions(time: time)
    observer = Observer(
      folder: configuration.folder, store: store, reader: reader, made: made,
      granularityNanoseconds: configuration.granularityNanoseconds, time: time)
  }

  /// Loads what is pending and starts both loops; the caller feeds watcher events and calls `rescan`.
  public func start() async throws(SoftadastraError) {
    isRunning = true
    if !DeliberateFault.intentsForgotten.isOn { try loadPending() }
    try await finishInterruptedMoves()
    try await healAfterPowerLoss()
    try await recoverStaging()
    await recallMadeDirectories()
    loadUnwanted()
    Task { await self.observeLoop() }
    Task { await self.applyLoop() }
  }

  /// Both loops end. What is on disk is recorded first: what somebody does with it while the node is off is theirs.
  public func stop() async {
    isStopping = true
    while isRunning, isApplying || finishing > 0 || halfDone > 0 {
      finishNow()
      await withCheckedContinuation { batchWaiters.append($0) }
    }
    abandon()
  }

  /// Both loops end after the batch at hand, as after a crash.
  public func abandon() {
    isRunning = false
    observeSignal.raise()
    applySignal.raise()
    for waiter in held { waiter.resume() }
    held.removeAll()
    resumeIdleWaiters()
    resumeBatchWaiters()
  }

  /// What a crash left in the staging area is never deleted blindly: transfers that are still wanted go on, other
  /// partial transfers are dropped, and everything else, which may be somebody's bytes, goes to the archive.
  private func recoverStaging() async throws(SoftadastraError) {
    let wanted = Set(
      pending.all.flatMap { item in
        [item.key.stagedName] + (item.stagedName.map { [$0] } ?? [])
      })
    let volume = self.volume
    let present = Set(try await pool.run { () throws(SoftadastraError) in try volume.stagedNames() })
    staged = wanted.intersection(present)
    try await pool.run { () throws(SoftadastraError) in
      for name in try volume.stagedNames() where !wanted.contains(name) {
        if name.hasPrefix(FetchKey.stagedPrefix) {
          try volume.removeStaged(name)
        } else if let status = try volume.stagedStatus(name) {
          try volume.archive(
            Displaced(stagedName: name, status: status), from: BytePath("recovered").appending(name), as: .recovered)
        }
      }
    }
  }
}
