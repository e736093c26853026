internal import Glibc

/// State under a mutex, with a condition for threads that wait until it changes.
///
/// Waiting happens between calls of the closure, never inside: no access to the state is open while another
/// thread changes it.
final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State
  /// Instead of other threads: does one step of what a waiting caller waits for. False if there is nothing to do.
  var step: (() -> Bool)?
  /// Told of each `notify` where steps are scheduled.
  var noticed: (() -> Void)?

  init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Wakes all that wait.
  func notify() {
    pthread_cond_broadcast(condition)
    noticed?()
  }

  /// Calls the closure until it returns something, each time after a `notify`.
  func waitFor<R>(_ body: (inout State) -> R?) -> R {
    if let step {
      while true {
        if let result = withLock(body) { return result }
        guard !step() else { continue }
        // The last step of all says that there is nothing more to do.
        if let result = withLock(body) { return result }
        preconditionFailure("nobody will ever do what is waited for")
      }
    }
    return waitFor { state, _ in body(&state).map { .done($0) } ?? .wait(until: nil) }
  }

  enum Next<R> {
    case done(R)
    /// For a `notify`, at most until this time of `now()`.
    case wait(until: UInt64?)
  }

  /// Calls the closure, with the time, until it is done. For threads.
  func waitFor<R>(_ body: (inout State, _ now: UInt64) -> Next<R>) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      switch body(&state, Self.now()) {
      case .done(let result): return result
      case .wait(nil): pthread_cond_wait(condition, mutex)
      case .wait(let until?):
        var deadline = timespec(tv_sec: Int(until / 1_000_000_000), tv_nsec: Int(until % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &deadline)
      }
    }
  }

  /// Monotonic nanoseconds.
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
