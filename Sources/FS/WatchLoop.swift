internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// The watcher's thread and all it owns. Only `signals` and the wake descriptor are touched from outside.
final class WatchLoop: @unchecked Sendable {
  struct Signals {
    var isStarted = false
    var isStopped = false
    /// The thread serves no more.
    var isOver = false
    var drains: [CheckedContinuation<Void, Never>] = []
    var limit: WatchLimit?
  }

  /// The first half of a rename, waiting for the other.
  struct Departure {
    let cookie: UInt32
    let path: BytePath?
    let node: WatchNode
    let name: [UInt8]
    let isDirectory: Bool
    let child: WatchNode?
    let writing: (since: UInt64, last: UInt64)?
    let deadline: UInt64
  }

  static let bufferBytes = 256 << 10
  /// So many reads without anything to deliver in one gathering time, then reading pauses: a file written in tiny
  /// steps would wake the thread for each.
  static let maxReadsWithoutPause = 3
  /// So many new names are looked at in one gathering time. In a burst it does not matter that the others are taken for
  /// files under writing, and wait for the end of that.
  static let maxLooks = 8

  let signals = Mutex(Signals())
  let options: WatcherOptions
  let deliver: @Sendable ([WatchEvent]) -> Void
  let root: Descriptor
  let inotify: Descriptor
  private let wakeup: Descriptor
  let device: UInt64
  /// For messages only.
  let location: String

  let top: WatchNode
  var watches: [Int32: WatchNode] = [:]
  var lastWatch: (Int32, WatchNode)?
  var nextID: UInt64 = 1
  /// The watch on the directory above the root: it tells of the root's removal while we hold the root open.
  var outerWatch: Int32 = -1
  var outerName: [UInt8] = []

  var pending = PendingNames()
  var departures: [Departure] = []
  var moves: [WatchEvent] = []
  var subtrees: [BytePath] = []
  var isRootChanged = false
  var hasOverflowed = false
  var isLost = false
  /// Directories whose tree turned out to differ from the disk, to be walked again.
  var doubtful: [WatchNode] = []
  var polledCount = 0
  var pollAt = UInt64.max

  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 8)
  private var lastDelivery: UInt64 = 0
  private var window = (start: UInt64(0), reads: 0)
  /// In the same gathering time.
  var looks = 0

  init(root path: String, options: WatcherOptions, deliver: @escaping @Sendable ([WatchEvent]) -> Void)
    throws(SoftadastraError)
  {
    let shown = BytePath.escape(Array(path.utf8))
    let rootNumber = linux_openat(AT_FDCWD, path, O_RDONLY | linux_o_directory | O_CLOEXEC, 0)
    guard let root = Descriptor(rootNumber) else { throw .system(-rootNumber, "cannot watch", at: shown) }
    let queue = linux_inotify()
    guard let inotify = Descriptor(queue) else {
      var error = SoftadastraError.system(-queue, "cannot watch", at: shown)
      error.hint = "raise fs.inotify.max_user_instances with sysctl"
      throw error
    }
    let event = linux_eventfd()
    guard let wakeup = Descriptor(event) else { throw .system(-event, "cannot watch", at: shown) }
    var raw = linux_status()
    let looked = linux_fstat(root.number, &raw)
    guard looked == 0 else { throw .system(-looked, "cannot watch", at: shown) }
    device = raw.device
    location = path
    self.root = root
    self.inotify = inotify
    self.wakeup = wakeup
    self.options = options
    self.deliver = deliver
    top = WatchNode(id: 0, name: [], isRoot: true)
  }

  deinit { buffer.deallocate() }

  func wake() {
    var one: UInt64 = 1
    _ = write(wakeup.number, &one, 8)
  }

  func start() {
    guard !signals.withLock({ $0.isStarted || $0.isStopped }) else { return }
    watchOuter()
    watchRoot()
    walk(top, knownToo: true)
    updateLimit()
    signals.withLock { $0.isStarted = true }
    wake()
  }

  static func now() -> UInt64 { SystemTime().monotonicNanoseconds() }
  static func nanoseconds(_ milliseconds: UInt64) -> UInt64 {
    milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue
  }

  // MARK: The thread

  func run() {
    while true {
      let (isStarted, isStopped, drains) = signals.withLock { signals in
        defer { signals.drains = [] }
        return (signals.isStarted, signals.isStopped, signals.drains)
      }
      if isStopped {
        finish(drains)
        return
      }
      guard isStarted else {
        clear(linux_wait(wakeup.number, -1, -1))
        continue
      }
      if !drains.isEmpty {
        drain()
        for continuation in drains { continuation.resume() }
        continue
      }
      step()
      if isLost {
        flush(Self.now())
        finish([])
        return
      }
    }
  }

  private func finish(_ drains: [CheckedContinuation<Void, Never>]) {
    let late = signals.withLock { signals in
      signals.isOver = true
      defer { signals.drains = [] }
      return signals.drains
    }
    for continuation in drains + late { continuation.resume() }
  }

  private func clear(_ ready: Int32) {
    guard ready & 1 != 0 else { return }
    var count: UInt64 = 0
    _ = linux_read(wakeup.number, &count, 8)
  }

  private var hasOutput: Bool {
    pending.hasReady || !moves.isEmpty || !subtrees.isEmpty || isRootChanged || isLost
  }

  private func step() {
    var now = Self.now()
    pending.expire(
      now, quiet: Self.nanoseconds(options.quietMilliseconds), created: Self.nanoseconds(options.createdMilliseconds),
      busy: Self.nanoseconds(options.busyMilliseconds), all: false)
    settleDepartures(before: now)
    if now >= pollAt { poll(now) }
    let gather = Self.nanoseconds(options.gatherMilliseconds)
    let flushAt = lastDelivery &+ gather
    if hasOutput, now >= flushAt {
      flush(now)
      now = Self.now()
    }
    if now &- window.start >= gather {
      window = (now, 0)
      looks = 0
    }
    // While a batch gathers only the wake descriptor counts: fewer and larger reads.
    let isGathering = hasOutput || window.reads > Self.maxReadsWithoutPause
    var until = min(pending.nextDeadline, pollAt, departures.first?.deadline ?? .max)
    if hasOutput { until = min(until, flushAt) }
    if window.reads > Self.maxReadsWithoutPause { until = min(until, window.start + gather) }
    let timeout: Int64 = until == .max ? -1 : until > now ? Int64(min(until - now, 3_600_000_000_000)) : 0
    clear(linux_wait(wakeup.number, isGathering ? -1 : inotify.number, timeout))
    if isGathering, Self.now() < until { return }
    window.reads += 1
    readAll()
  }

  /// At most so much between two batches, however fast events come.
  private static let maxReads = 4

  private func readAll() {
    for _ in 0..<Self.maxReads where read() == Self.bufferBytes {}
    catchUp()
  }

  /// One read. Returns how many bytes there were, rounded up to the buffer where it was nearly full.
  private func read() -> Int {
    let count = linux_read(inotify.number, buffer.baseAddress, buffer.count)
    guard count > 0 else { return 0 }
    let now = Self.now()
    var at = 0
    while at + 16 <= Int(count) {
      let watch = buffer.loadUnaligned(fromByteOffset: at, as: Int32.self)
      let mask = buffer.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
      let cookie = buffer.loadUnaligned(fromByteOffset: at + 8, as: UInt32.self)
      let padded = Int(buffer.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
      let start = buffer.baseAddress! + at + 16
      let length = padded == 0 ? 0 : strnlen(start.assumingMemoryBound(to: CChar.self), padded)
      handle(watch, mask, cookie, UnsafeRawBufferPointer(start: start, count: length), now)
      at += 16 + padded
    }
    return Int(count) > Self.bufferBytes - 512 ? Self.bufferBytes : Int(count)
  }

  /// Work that events asked for but that must not run between two of them.
  private func catchUp() {
    if hasOverflowed {
      hasOverflowed = false
      walk(top, knownToo: true)
      subtrees.append(.root)
    }
    settleDoubts()
    updateLimit()
  }

  private func drain() {
    var waiting = Int(linux_readable(inotify.number))
    while waiting > 0 {
      let count = read()
      if count == 0 { break }
      waiting -= count
    }
    catchUp()
    let now = Self.now()
    pending.expire(
      now, quiet: Self.nanoseconds(options.quietMilliseconds), created: Self.nanoseconds(options.createdMilliseconds),
      busy: Self.nanoseconds(options.busyMilliseconds), all: true)
    settleDepartures(before: .max)
    flush(now)
  }

  private func flush(_ now: UInt64) {
    var batch = moves
    moves.removeAll(keepingCapacity: true)
    var seen: Set<BytePath> = []
    for path in subtrees where seen.insert(path).inserted { batch.append(.subtreeChanged(path)) }
    subtrees.removeAll(keepingCapacity: true)
    if isRootChanged, !seen.contains(.root) { batch.append(.changed(.root)) }
    isRootChanged = false
    let hasSubtrees = !seen.isEmpty
    pending.takeReady { path, isWritten in
      if !hasSubtrees || !seen.contains(path) { batch.append(isWritten ? .written(path) : .changed(path)) }
    }
    if isLost { batch.append(.rootLost) }
    guard !batch.isEmpty else { return }
    deliver(batch)
    lastDelivery = Self.now()
  }
}
