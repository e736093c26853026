internal import Glibc
public import SoftadastraCore

/// A few threads for work that blocks: file I/O, hashing, compression.
///
/// Swift's own pool has one thread a core and must never block; these may. Work is taken in order.
public final class WorkerPool: Sendable {
  private final class State: @unchecked Sendable {
    var mutex = pthread_mutex_t()
    var ready = pthread_cond_t()
    var queue: [@Sendable () -> Void] = []
    var head = 0
    var isClosed = false
    init() {
      pthread_mutex_init(&mutex, nil)
      pthread_cond_init(&ready, nil)
    }
    deinit {
      pthread_cond_destroy(&ready)
      pthread_mutex_destroy(&mutex)
    }

    func push(_ job: @escaping @Sendable () -> Void) {
      pthread_mutex_lock(&mutex)
      queue.append(job)
      pthread_cond_signal(&ready)
      pthread_mutex_unlock(&mutex)
    }

    func pop() -> (@Sendable () -> Void)? {
      pthread_mutex_lock(&mutex)
      defer { pthread_mutex_unlock(&mutex) }
      while head == queue.count {
        if isClosed { return nil }
        pthread_cond_wait(&ready, &mutex)
      }
      let job = queue[head]
      head += 1
      if head == queue.count || head > 1024 {
        queue.removeFirst(head)
        head = 0
      }
      return job
    }

    func close() {
      pthread_mutex_lock(&mutex)
      isClosed = true
      pthread_cond_broadcast(&ready)
      pthread_mutex_unlock(&mutex)
    }
  }

  private let state = State()
  /// Without threads: what a caller passes through before and after its closure, which then runs where it is called.
  private let turn: (@Sendable () async -> Void)?
  public let threadCount: Int

  public init(threads: Int, name: String = "worker") {
    threadCount = max(1, threads)
    turn = nil
    for _ in 0..<threadCount {
      let state = state
      BackgroundThread.start(name: name) { while let job = state.pop() { job() } }
    }
  }

  /// A pool without threads, for simulations: each closure runs on the caller's own, between two turns.
  public init(turn: @escaping @Sendable () async -> Void) {
    threadCount = 1
    self.turn = turn
  }

  deinit { state.close() }

  /// Runs the closure on one of the threads and returns what it returns.
  public func run<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    if let turn {
      await turn()
      let result = body()
      await turn()
      return result
    }
    return await withCheckedContinuation { continuation in
      state.push { continuation.resume(returning: body()) }
    }
  }

  /// The same for a closure that throws.
  public func run<T: Sendable>(_ body: @escaping @Sendable () throws(SoftadastraError) -> T)
    async throws(SoftadastraError) -> T
  {
    let result: Result<T, SoftadastraError> = await run {
      do throws(SoftadastraError) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
