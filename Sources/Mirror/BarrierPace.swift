/// How far apart the barriers are: each makes the filesystem write out all that is dirty, so they may take a small part
/// of the time, and no more.
///
/// A few changes wait for a multiple of what the last barrier took: a lone one, whose barrier takes milliseconds, is
/// durable at once. A burst is written out when it is over, or after a few seconds. Nothing is lost by waiting: what is
/// applied and not recorded is still known, and is found on the disk after a crash.
struct BarrierPace {
  /// A barrier rests this many times its own duration.
  static let restFactor: UInt64 = 8
  /// At most this long, and this long in a burst.
  static let maxRestNanoseconds: UInt64 = 3_000_000_000
  /// More changes than this are a burst.
  static let fewChanges = 256
  /// So many are worth a barrier at any time.
  static let maxChanges = 24_576
  /// When nothing came to be applied for this long, the burst is over.
  static let quietNanoseconds: UInt64 = 250_000_000

  private var rest: UInt64 = 0
  private var end: UInt64?

  /// Whether the next barrier may begin.
  func isDue(_ now: UInt64, changes: Int) -> Bool { changes >= Self.maxChanges || now >= dueAt(changes) }

  /// Monotonic nanoseconds from which on it may, with so many changes waiting for it.
  func dueAt(_ changes: Int) -> UInt64 {
    guard let end else { return 0 }
    return end &+ (changes > Self.fewChanges ? Self.maxRestNanoseconds : rest)
  }

  mutating func ended(at now: UInt64, startedAt start: UInt64) {
    end = now
    rest = min((now &- start).multipliedReportingOverflow(by: Self.restFactor).partialValue, Self.maxRestNanoseconds)
  }
}
