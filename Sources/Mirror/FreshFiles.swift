internal import SoftadastraCore
internal import SoftadastraSync

/// Large new files that were written a moment ago, and may be about to get another name.
///
/// Who saves by renaming a new file over the old one has closed it before, and the kernel hands its bytes to the disk before
/// it carries out the rename: about a millisecond for each few MiB. Recorded in between, the file is a version of its own that
/// peers begin to fetch as a whole; recorded under its final name it is an edit of what they have. So it waits for as long
/// as the kernel may need, counted from its last change. Reading it takes a good part of that.
///
/// Pure: the caller brings the time, and looks again after the delay.
struct FreshFiles {
  /// Smaller files do not wait: their rename is quicker than the events tell of them.
  static let minBytes: UInt64 = 16 << 20
  private static let bytesPerMillisecond: UInt64 = 2 << 20
  private static let maxDelayNanoseconds: UInt64 = 150_000_000
  /// One that goes on changing is recorded after this long.
  private static let maxHeldNanoseconds: UInt64 = 1_000_000_000

  private var held: [BytePath: (found: Observation.Found, since: UInt64)] = [:]

  /// What was read of a file that waits: valid while its fingerprint is the same.
  func found(_ path: BytePath) -> Observation.Found? { held[path]?.found }

  /// How long it is to wait, in nanoseconds; nil if what was observed is to be recorded now.
  ///
  /// - Parameters:
  ///   - isNew: nothing was ever recorded under this name.
  ///   - wall: nanoseconds since 1970, by the clock that stamps files.
  mutating func delay(
    _ path: BytePath, _ observation: Observation, isNew: Bool, wall: Int64, monotonic: UInt64
  ) -> UInt64? {
    guard isNew, case .changed(let found) = observation, case .file(let size, _, _) = found.value.value.kind,
      size >= Self.minBytes
    else {
      held[path] = nil
      return nil
    }
    let since = held[path]?.since ?? monotonic
    let whole = min(size / Self.bytesPerMillisecond * 1_000_000, Self.maxDelayNanoseconds)
    // Another machine's clock may have stamped it: never longer than a file of this very moment.
    let (age, isAbsurd) = wall.subtractingReportingOverflow(found.changedNanoseconds)
    let passed = UInt64(max(0, age))
    guard !isAbsurd, passed < whole, monotonic - since < Self.maxHeldNanoseconds else {
      held[path] = nil
      return nil
    }
    held[path] = (found, since)
    return whole - passed
  }
}
