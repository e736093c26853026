public import SoftadastraCore

/// What the watcher hands over: where to look, not what is there.
///
/// Events come in batches, coalesced: a path appears once a batch. They are hints for an observer that looks at the
/// disk itself; order matters only for moves against each other.
public enum WatchEvent: Sendable, Hashable {
  /// Something about this path changed: it appeared, went, or has other attributes.
  case changed(BytePath)
  /// Closed after writing, or quiet after writing: the bytes may be others also where size and times are the same.
  case written(BytePath)
  /// Everything at and below may have changed: a new directory, one moved in, or one whose events were lost.
  case subtreeChanged(BytePath)
  /// A paired rename inside the folder. Both ends are still to be looked at.
  case moved(from: BytePath, to: BytePath, isDirectory: Bool)
  /// The root itself was removed, moved away or unmounted. The last event of this watcher.
  case rootLost
}

/// Directories that are polled because the kernel's limit of watches is reached.
public struct WatchLimit: Sendable, Hashable {
  public let directoriesPolled: Int
  /// The line to run: the sysctl with a value that suffices.
  public let advice: String
  public init(directoriesPolled: Int, advice: String) {
    self.directoriesPolled = directoriesPolled
    self.advice = advice
  }
}
