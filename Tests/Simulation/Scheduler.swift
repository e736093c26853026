import Glibc
public import TestSupport

/// Runs every task of a simulation on one thread, in an order that depends on the seed alone, under a virtual clock.
///
/// The concurrency runtime hands each job to `swift_task_enqueueGlobal`; a hook of the runtime's own puts it in
/// `ready` instead of a thread pool. One scheduler at a time. Hashing must be deterministic too
/// (SWIFT_DETERMINISTIC_HASHING), or the order of sets and dictionaries differs between runs.
public final class Scheduler: @unchecked Sendable {
  private struct Timer {
    let at: UInt64
    let order: UInt64
    let action: () -> Void
  }

  private final class Executor: SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) { Scheduler.current?.ready.append(UnownedJob(job)) }
  }

  private typealias EnqueueGlobal = @convention(thin) (UnownedJob, @convention(thin) (UnownedJob) -> Void) -> Void
  private nonisolated(unsafe) static var current: Scheduler?
  private static let executor = Executor()

  public var random: SeededRandom
  /// Nanoseconds since the simulation began.
  public private(set) var now: UInt64 = 1
  public private(set) var steps = 0
  private var ready: [UnownedJob] = []
  /// A binary heap, the earliest first.
  private var timers: [Timer] = []
  private var order: UInt64 = 0

  public init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    Self.install()
    Self.current = self
  }

  private static func install() {
    guard let hook = dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook") else {
      fatalError("this runtime has no hook for scheduling")
    }
    let enqueue: EnqueueGlobal? = { job, _ in Scheduler.current?.ready.append(job) }
    hook.assumingMemoryBound(to: EnqueueGlobal?.self).pointee = enqueue
  }

  // MARK: Time

  public func after(_ nanoseconds: UInt64, _ action: @escaping () -> Void) {
    order += 1
    timers.append(Timer(at: now + nanoseconds, order: order, action: action))
    var child = timers.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(child, parent) else { break }
      timers.swapAt(child, parent)
      child = parent
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (timers[a].at, timers[a].order) < (timers[b].at, timers[b].order)
  }

  private func popTimer() -> Timer {
    timers.swapAt(0, timers.count - 1)
    let first = timers.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < timers.count && isBefore(child, least) {
        least = child
      }
      if least == parent { return first }
      timers.swapAt(parent, least)
      parent = least
    }
  }

  public func sleep(_ nanoseconds: UInt64) async {
    await withCheckedContinuation { continuation in after(nanoseconds) { continuation.resume() } }
  }

  /// Lets others go first, for a moment or not at all.
  public func turn() async {
    await sleep(random.below(4) == 0 ? UInt64(random.below(2_000_000)) : 0)
  }

  // MARK: Running

  private func runReady() {
    while !ready.isEmpty {
      // Mostly the oldest, so that nobody starves; now and then any.
      let at = random.below(3) == 0 ? random.below(ready.count) : 0
      let job = ready.remove(at: at)
      steps += 1
      job.runSynchronously(on: Self.executor.asUnownedSerialExecutor())
    }
  }

  /// Runs everything that is due within so much virtual time.
  public func run(for nanoseconds: UInt64) {
    let end = now + nanoseconds
    runReady()
    while let next = timers.first, next.at <= end {
      now = max(now, next.at)
      popTimer().action()
      runReady()
    }
    now = end
  }

  /// Runs until the body has returned; time passes as far as it needs.
  public func wait<T: Sendable>(for body: @escaping @Sendable () async -> T) -> T {
    nonisolated(unsafe) var result: T?
    Task.detached {
      let value = await body()
      result = value
    }
    runReady()
    while result == nil {
      guard let next = timers.first else { fatalError("a task waits for something that never comes") }
      now = max(now, next.at)
      popTimer().action()
      runReady()
    }
    return result!
  }

  /// Ends what is left, so that nothing of this simulation runs in the next.
  public func finish() {
    runReady()
    while !timers.isEmpty {
      popTimer().action()
      runReady()
    }
  }
}
