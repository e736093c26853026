internal import CLinux
internal import Glibc

/// One joinable thread of its own, for work that blocks.
public struct BackgroundThread: Sendable {
  private let handle: pthread_t

  /// Nil if the system gives no more threads.
  public init?(name: String? = nil, _ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    var handle = pthread_t()
    let result = pthread_create(
      &handle, nil,
      { argument in
        Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      box.release()
      return nil
    }
    if let name { linux_name_thread(handle, String(name.prefix(15))) }
    self.handle = handle
  }

  /// Waits for its end. Once only; not from the thread itself.
  public func join() { pthread_join(handle, nil) }

  /// For a thread nobody waits for.
  public func detach() { pthread_detach(handle) }

  public var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }
}

extension BackgroundThread {
  private static let pauseMicroseconds: UInt32 = 10_000

  /// For a thread that must run and that nobody waits for: where the system gives none, it is asked again until it does.
  public static func start(name: String? = nil, _ body: @escaping @Sendable () -> Void) {
    while true {
      if let thread = BackgroundThread(name: name, body) { return thread.detach() }
      usleep(pauseMicroseconds)
    }
  }
}

/// Runs the closure on so many threads at once and waits for all of them; the caller's own is one.
///
/// Fewer if the system gives no more threads. Cost: some 20 µs a thread.
public func concurrently(threads: Int, _ body: @escaping @Sendable () -> Void) {
  let helpers = (1..<max(1, threads)).compactMap { _ in BackgroundThread(name: "softadastra-io", body) }
  body()
  for helper in helpers { helper.join() }
}
