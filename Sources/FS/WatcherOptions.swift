public import SoftadastraCore

/// How a `Watcher` gathers events, and what it leaves out.
public struct WatcherOptions: Sendable {
  /// A file under writing is handed over after this long without a write, unless it is closed before.
  public var quietMilliseconds: UInt64 = 100
  /// The same for a name that appeared without any write: an unnamed file that was given its name; in a burst also a hard
  /// link or a symlink.
  public var createdMilliseconds: UInt64 = 20
  /// A file that is written without a pause is handed over this often.
  public var busyMilliseconds: UInt64 = 2000
  /// Batches are at least this far apart while events keep coming; a lone event is delivered at once.
  public var gatherMilliseconds: UInt64 = 3
  /// How long the first half of a rename waits for the other.
  public var pairMilliseconds: UInt64 = 5
  /// How often directories are reported that could not be watched.
  public var pollMilliseconds: UInt64 = 10_000
  /// More directories are polled, as if the kernel's limit were reached.
  public var maxWatches = Int.max
  /// Directories that need no watch, for they are ignored with all below.
  public var isIgnored: (@Sendable (BytePath) -> Bool)?

  public init() {}
}
