internal import Glibc
public import SoftadastraCore
internal import SoftadastraFS
internal import Synchronization

/// A program running as a child, its stdout read line by line, its stderr kept in a file.
///
/// Whoever starts one ends it: `stop` or `kill`, then `wait`.
public final class ChildProcess: Sendable {
  public let processID: Int32
  /// What it prints, until it closes its stdout.
  public let lines: AsyncStream<String>
  private let status = Mutex<Int32?>(nil)

  /// - Parameters:
  ///   - environment: all of it; nothing is inherited.
  ///   - errorLog: a file that its stderr is appended to.
  public init(
    _ executable: String, _ arguments: [String], environment: [String: String], errorLog: String
  ) throws(SoftadastraError) {
    // A sibling started between pipe and close-on-exec would hold the pipe open beyond this child's end.
    let started = Self.starting.withLock { _ in
      Self.start(executable, arguments, environment, errorLog)
    }
    let (pid, output) = try started.get()
    processID = pid
    lines = Self.read(output)
  }

  private static let starting = Mutex(())

  private static func start(
    _ executable: String, _ arguments: [String], _ environment: [String: String], _ errorLog: String
  ) -> Result<(Int32, Int32), SoftadastraError> {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return .failure(.system(errno, "cannot start", at: executable)) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, errorLog, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The parent ignores SIGPIPE; the child starts as from a shell.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    sigaddset(&defaults, SIGINT)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    var argv = ([executable] + arguments).map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for text in argv { free(text) }
      for text in envp { free(text) }
    }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
    close(ends[1])
    guard result == 0 else {
      close(ends[0])
      return .failure(.system(result, "cannot start", at: executable))
    }
    return .success((pid, ends[0]))
  }

  public func signal(_ number: Int32) {
    status.withLock { ended in
      // After it was reaped, the number may belong to another process.
      if ended == nil { _ = Glibc.kill(processID, number) }
    }
  }

  public func stop() { signal(SIGTERM) }
  public func kill() { signal(SIGKILL) }

  /// The exit code, or 128 plus the signal; nil while it runs.
  public func poll() -> Int32? {
    status.withLock { ended in
      if let ended { return ended }
      var raw: Int32 = 0
      guard waitpid(processID, &raw, WNOHANG) == processID else { return nil }
      let code = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
      ended = code
      return code
    }
  }

  /// Nil if it still runs when the time is up.
  public func wait(_ patience: Duration) async -> Int32? {
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while true {
      if let code = poll() { return code }
      if clock.now >= deadline || Task.isCancelled { return nil }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Stops it, by force if it does not end in time.
  public func end(_ patience: Duration) async {
    stop()
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    // Not `wait`: also when the task was cancelled, no child may be left behind.
    while poll() == nil {
      if clock.now >= deadline { kill() }
      await Task.detached { try? await Task.sleep(for: .milliseconds(5)) }.value
    }
  }

  private static func read(_ descriptor: Int32) -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream<String>.makeStream()
    let pool = WorkerPool(threads: 1, name: "child-output")
    Task.detached {
      await pool.run {
        defer { close(descriptor) }
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
          let count = Glibc.read(descriptor, &chunk, chunk.count)
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { break }
          pending.append(contentsOf: chunk[..<count])
          while let newline = pending.firstIndex(of: UInt8(ascii: "\n")) {
            continuation.yield(String(decoding: pending[..<newline], as: UTF8.self))
            pending.removeFirst(newline + 1)
          }
        }
        if !pending.isEmpty { continuation.yield(String(decoding: pending, as: UTF8.self)) }
        continuation.finish()
      }
    }
    return stream
  }
}
