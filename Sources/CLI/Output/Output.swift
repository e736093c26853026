internal import FoundationEssentials
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// The two streams: results to stdout, messages for people to stderr.
enum Output {
  /// A line, or several, of the result.
  static func result(_ text: String) { write(STDOUT_FILENO, Array((text + "\n").utf8)) }

  /// Exactly these bytes.
  static func bytes(_ bytes: [UInt8]) { write(STDOUT_FILENO, bytes) }

  /// One line for people.
  static func message(_ text: String) { write(STDERR_FILENO, Array((oneLine(text) + "\n").utf8)) }

  /// What failed, in one line, then what to do about it in another.
  static func failure(_ text: String, hint: String, plain: Bool = false) {
    message(plain ? text : "softadastra: \(text)")
    if !hint.isEmpty { message("hint: \(hint)") }
  }

  /// Runs what prints on a thread of its own: a reader that pauses holds up nothing else here, and whoever is cancelled does
  /// not wait for it.
  static func apart(_ body: @escaping @Sendable () throws -> Void) async throws {
    let waiting = Mutex<CheckedContinuation<Void, any Error>?>(nil)
    let end: @Sendable (Result<Void, any Error>) -> Void = { result in
      if let continuation = waiting.withLock({ $0.take() }) { continuation.resume(with: result) }
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        waiting.withLock { $0 = continuation }
        if Task.isCancelled { return end(.failure(CancellationError())) }
        BackgroundThread.start(name: "print") { end(Result { try body() }) }
      }
    } onCancel: {
      end(.failure(CancellationError()))
    }
  }

  static func json(_ value: some Encodable) throws { result(try JSONText.pretty(value)) }

  /// Line breaks and other control bytes of foreign text cannot forge a second line.
  private static func oneLine(_ text: String) -> String { BytePath.escape(text.utf8) }

  private static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
      if count > 0 {
        done += count
      } else if errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
      } else if errno != EINTR {
        // The reader of a pipe went: nobody is left to tell.
        if descriptor == STDOUT_FILENO { _exit(errno == EPIPE ? Program.Exit.brokenPipe : Program.Exit.failed) }
        return
      }
    }
  }
}

/// JSON as the commands print it: sorted keys, so that the same state is the same text.
enum JSONText {
  static func pretty(_ value: some Encodable) throws -> String {
    try text(value, [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
  }

  static func line(_ value: some Encodable) throws -> String {
    try text(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func text(_ value: some Encodable, _ format: JSONEncoder.OutputFormatting) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
