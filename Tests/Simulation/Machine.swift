import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import SoftadastraWAL
import Synchronization
import TestSupport

/// One simulated machine: what outlives its node (disk, folder, clock), and the node that runs on it at times.
final class Machine {
  static let folder = FolderID(rawValue: 0xF01D)
  static let group = GroupID(high: 1, low: 1)
  static let secret = [UInt8](repeating: 7, count: ContentHasher.secretBytes)

  let index: Int
  let name: String
  let id: NodeID
  let volume = MemoryVolume()
  let time: SimulatedTime
  private(set) var node: SimulatedNode?
  private let scheduler: Scheduler
  private var disk = MemoryDisk()
  /// A write to the disk takes up to this long.
  private let diskNanoseconds: Int
  private var processVolume: ProcessVolume?
  private var lives = 0
  /// Seen by the watcher and not handed over yet.
  private var events: [WatchEvent] = []
  private var isDelivering = false
  /// The process dies before this many further calls of its volume.
  private var callsToDeath: Int?
  private var failing: FailingCalls?
  /// And no start since has come to its end.
  private var hasLostPower = false
  private var bootedAt: Int64?
  /// What a power loss took away from its place, until all machines hold the same again.
  var lostNames: [BytePath: ByteString] = [:]
  /// People's own calls do not fail.
  private var shields = 0
  private var startedAt: UInt64 = 0
  /// The folder is halted: only a new start helps.
  private(set) var hasStoppedFolder = false
  /// Called before each call of the process on its volume.
  var interrupt: () -> Void = {}
  var onDeath: () -> Void = {}
  /// The watcher lost events and says so.
  var onOverflow: () -> Void = {}
  /// How long a deletion is remembered for members that are away.
  var patienceMilliseconds: UInt64 = 0
  /// Told how many deletions were forgotten, and how many heard of again from others.
  var onForgotten: (_ forgotten: Int, _ deletedWhileAway: Int) -> Void = { _, _ in }
  /// Told when this node notices that a peer's history has forked, or that its own has, from a counter on.
  var onFork: (_ own: UInt64?) -> Void = { _ in }
  private var backup: (disk: MemoryDisk, volume: MemoryVolume)?
  /// The next start sees that its state directory is a copy.
  private var isCopy = false
  /// Told what the mirror reports.
  var onReport: (MirrorEvent) -> Void = { _ in }

  init(index: Int, scheduler: Scheduler, clockOffsetMilliseconds: Int64) {
    self.index = index
    self.scheduler = scheduler
    diskNanoseconds = [0, 0, 5_000_000, 60_000_000][scheduler.random.below(4)]
    name = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
    id = NodeID(bytes: [UInt8](repeating: UInt8(0x10 * (index + 1)), count: NodeID.byteCount))!
    time = SimulatedTime(scheduler, offsetMilliseconds: clockOffsetMilliseconds)
    nonisolated(unsafe) unowned let machine = self
    volume.fail { operation, _ in machine.failure(of: operation) }
  }

  var isRunning: Bool { node != nil }
  /// Of the last life, and of those whose state was lost.
  private var replica: ReplicaID?
  private(set) var lostReplicas: Set<ReplicaID> = []
  /// Off, and not by a stop.
  private var wasKilled = false
  /// The life before this one ended so.
  private var followsKill = false

  /// A node that was killed between placing a file and recording it cannot tell a file that was deleted since from one
  /// that was never placed: it places it again.
  func mayBePlacedAgain(_ path: BytePath) -> Bool {
    guard let store = node?.store else { return wasKilled }
    return followsKill && !store.list(prefix: StoreKey.remote(Self.folder, path) + [0], limit: 1).isEmpty
  }

  func isReplacing(_ path: BytePath) -> Bool { processVolume?.pathBeingReplaced == path }

  // MARK: Life

  func start() throws {
    lives += 1
    followsKill = wasKilled
    wasKilled = false
    events = []
    callsToDeath = nil
    endTrouble()
    hasStoppedFolder = false
    hadTrouble = false
    startedAt = scheduler.now
    var options = StoreOptions(segmentBytes: 64 << 10, isMaintainedAutomatically: false, sums: FolderTotals.rule)
    let scheduler = self.scheduler
    let delay = diskNanoseconds
    options.writer = .steps { step in
      Task {
        if delay > 0 { await scheduler.sleep(UInt64(scheduler.random.below(delay))) } else { await scheduler.turn() }
        step()
      }
    }
    let store = try Store.open(
      disk: disk, options: options, time: time,
      random: SeededSource(seed: UInt64(index) << 32 | UInt64(lives) << 8 | scheduler.random.next() & 0xFF))
    guard store.log.damage.isEmpty else { throw SimulationError("\(name): the log is damaged: \(store.log.damage)") }
    nonisolated(unsafe) let machine = self
    let process = ProcessVolume(
      volume, interrupt: { machine.beforeCall() }, emit: { machine.noticed($0) })
    processVolume = process
    try prepareFolder()
    let node = Relay()
    let pool = WorkerPool(turn: { await scheduler.turn() })
    var configuration = FolderMirror.Configuration(
      folder: Self.folder, group: Self.group, mode: .sendReceive, author: id.tag, granularityNanoseconds: 0,
      firstRequest: 1)
    configuration.isAfterPowerLoss = hasLostPower
    configuration.bootedAtNanoseconds = bootedAt
    let time = self.time
    let settings = configuration
    let hooks = SimulatedNode.Hooks(
      forgotten: { machine.onForgotten($0, 0) }, deletedWhileAway: { machine.onForgotten(0, $0) },
      noticedFork: { machine.onFork(nil) }, healing: { machine.onFork($0) },
      failed: { _ in machine.hasStoppedFolder = true })
    let life = SimulatedNode(
      id: id, store: store, time: time, patienceMilliseconds: patienceMilliseconds, nonce: scheduler.random.next(),
      hooks: hooks
    ) {
      FolderMirror(
        configuration: settings,
        volume: process, store: store, hasher: ContentHasher(secret: Self.secret), pool: pool, time: time,
        host: MirrorHost(
          settled: { await node.target?.settled($0, $1) }, nothingPending: { await node.target?.nothingPending($0) },
          send: { await node.target?.fetch($0, $1) }, report: { machine.reported($0) }))
    }
    node.target = life
    self.node = life
    let isCopy = self.isCopy
    self.isCopy = false
    Task.detached { if (try? await life.start(isCopy: isCopy)) != nil { machine.hasStarted(life) } }
  }

  private func prepareFolder() throws {
    let marker = FolderMarker(group: Self.group, folder: Self.folder)
    guard try volume.status(FolderMarker.path) == nil else { return }
    if try volume.status(FolderMarker.path.parent) == nil {
      _ = try volume.makeDirectory(FolderMarker.path.parent, permissions: 0o700)
    }
    try marker.write(to: volume)
    try volume.barrier()
  }

  /// A clean stop.
  func stop() {
    guard let node else { return }
    replica = node.store.replica
    self.node = nil
    let store = node.store
    scheduler.wait { await node.end(isStop: true) }
    store.closeBlocking()
    processVolume?.die()
    disk = disk.kill()
  }

  /// The process is killed between two steps, or in the middle of one: before one of its next calls on the volume.
  func kill(afterCalls count: Int) {
    guard isRunning else { return }
    if count == 0 { die() } else { callsToDeath = count }
  }

  private func die(losingPower seed: UInt64? = nil) {
    guard let node else { return }
    replica = node.store.replica
    self.node = nil
    wasKilled = true
    callsToDeath = nil
    processVolume?.die()
    if let seed {
      volume.losePower(seed: seed)
      disk = disk.crash(seed: seed)
    } else {
      volume.closeHandles()
      disk = disk.kill()
    }
    Task.detached { await node.end(isStop: false) }
    onDeath()
  }

  /// After a run: nothing keeps it in memory any more.
  func dismantle() {
    node = nil
    processVolume = nil
    interrupt = {}
    onDeath = {}
    onOverflow = {}
    onReport = { _ in }
    onFork = { _ in }
    backup = nil
  }

  private func reported(_ event: MirrorEvent) {
    if case .state(.stopped) = event { hasStoppedFolder = true }
    onReport(event)
  }

  // MARK: Trouble

  /// Running for long enough to have read what it starts with.
  var isSettledIn: Bool { isRunning && scheduler.now > startedAt + 2_000_000_000 }

  /// Calls of its node may have failed since the node started.
  private(set) var hadTrouble = false

  func failCalls(_ calls: FailingCalls) {
    failing = calls
    hadTrouble = true
  }

  func failLog(_ operation: MemoryDisk.Operation, times: Int, errno: Int32) {
    hadTrouble = true
    disk.fail(operation, after: scheduler.random.below(6), count: times, errno: errno)
  }

  func endTrouble() {
    failing = nil
    disk.clearFaults()
  }

  func losePower(seed: UInt64) {
    hasLostPower = true
    die(losingPower: seed)
    bootedAt = volume.tick()
  }

  /// What the power loss did is healed.
  private func hasStarted(_ life: SimulatedNode) { if node === life { hasLostPower = false } }

  func loseState() {
    disk = MemoryDisk()
    loseLife()
  }

  private func loseLife() { if let replica { lostReplicas.insert(replica) } }

  var hasBackup: Bool { backup != nil }

  func makeBackup() { backup = (disk.backup(), volume.backup()) }

  /// The state directory, or the whole machine, is as it was when the backup was made. The node may see at its next
  /// start that it was restored, or not.
  func restoreBackup(isWhole: Bool, isSeen: Bool) {
    guard let backup else { return }
    disk = backup.disk.backup()
    if isWhole { volume.restore(backup.volume) }
    loseLife()
    isCopy = isSeen
  }

  /// From now on this machine is a copy of that one, folder and state.
  func become(_ original: Machine) {
    disk = original.disk.backup()
    volume.restore(original.volume)
    backup = nil
    loseLife()
    isCopy = true
  }

  func shielded<T>(_ body: () -> T) -> T {
    shields += 1
    defer { shields -= 1 }
    return body()
  }

  private func failure(of operation: MemoryVolume.Operation) -> Int32? {
    guard let failing, shields == 0, isRunning, failing.concerns(operation) else { return nil }
    guard scheduler.now < failing.until else {
      self.failing = nil
      return nil
    }
    return scheduler.random.below(failing.oneIn) == 0 ? failing.errno : nil
  }

  private func beforeCall() {
    interrupt()
    guard let calls = callsToDeath else { return }
    callsToDeath = calls - 1
    if calls <= 1 { die() }
  }

  // MARK: The watcher

  /// Something changed in the folder: the node hears of it a little later, or that much was lost.
  func noticed(_ event: WatchEvent) {
    guard isRunning else { return }
    events.append(event)
    guard !isDelivering else { return }
    isDelivering = true
    scheduler.after(UInt64(1_000_000 + scheduler.random.below(300_000_000))) { [self] in
      isDelivering = false
      guard let node, !events.isEmpty else { return }
      var batch = Self.coalesced(events)
      if scheduler.random.below(20) == 0 {
        batch = [.subtreeChanged(.root)]
        onOverflow()
      }
      events = []
      Task.detached { await node.handle(batch) }
    }
  }

  private static func coalesced(_ events: [WatchEvent]) -> [WatchEvent] {
    var seen: Set<WatchEvent> = []
    return events.filter { seen.insert($0).inserted }
  }

  var hasUndeliveredEvents: Bool { isDelivering }
}

/// Breaks the circle between a node and what it is made of.
private final class Relay: @unchecked Sendable {
  weak var target: SimulatedNode?
}

public struct SimulationError: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
