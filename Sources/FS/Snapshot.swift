public import SoftadastraCore
internal import Synchronization

/// A whole folder at one time: every path with its status, sorted by path.
public struct Snapshot: Sendable {
  public struct Entry: Sendable, Hashable {
    public let path: BytePath
    public let status: FileStatus
    public init(path: BytePath, status: FileStatus) {
      self.path = path
      self.status = status
    }
  }

  public let entries: [Entry]
  /// Directories about whose content nothing is known, sorted.
  public let failures: [(path: BytePath, error: SoftadastraError)]

  public init(entries: [Entry], failures: [(path: BytePath, error: SoftadastraError)] = []) {
    self.entries = entries.sorted { byteOrder($0.path.bytes, $1.path.bytes) }
    self.failures = failures.sorted { $0.path < $1.path }
  }

  /// Walks the folder. Ignored paths are left out.
  public static func take(
    of volume: any Volume, below: BytePath = .root, threads: Int = 2,
    isIgnored: @escaping @Sendable (BytePath, FileKind) -> Bool = { _, _ in false }
  ) throws(SoftadastraError) -> Snapshot {
    let collector = Collector()
    try Scanner.scan(volume, below: below, threads: threads, isIgnored: isIgnored) { collector.add($0) }
    return collector.snapshot
  }

  public subscript(path: BytePath) -> FileStatus? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if byteOrder(entries[middle].path.bytes, path.bytes) { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].path == path ? entries[low].status : nil
  }

  /// True if the path lies in a directory that could not be read: its absence then means nothing.
  public func isUncertain(_ path: BytePath) -> Bool { failures.contains { path.isWithin($0.path) } }

  private final class Collector: Sendable {
    private let state = Mutex<(entries: [Entry], failures: [(path: BytePath, error: SoftadastraError)])>(([], []))

    func add(_ directory: ScannedDirectory) {
      switch directory.outcome {
      case .listed(let items, _):
        let found = items.map { Entry(path: directory.path.appending($0.name), status: $0.status) }
        state.withLock { $0.entries.append(contentsOf: found) }
      case .failed(let error):
        state.withLock { $0.failures.append((directory.path, error)) }
      }
    }

    var snapshot: Snapshot { state.withLock { Snapshot(entries: $0.entries, failures: $0.failures) } }
  }
}

/// What happened between two snapshots of one folder. All lists are sorted by path.
public struct SnapshotDiff: Sendable, Equatable {
  public struct Rename: Sendable, Hashable {
    public let from: BytePath
    public let to: BytePath
  }

  public private(set) var created: [BytePath] = []
  public private(set) var modified: [BytePath] = []
  public private(set) var deleted: [BytePath] = []
  /// The same inode under another path; a renamed directory is listed, and so is each path below it.
  public private(set) var renamed: [Rename] = []

  public var isEmpty: Bool { created.isEmpty && modified.isEmpty && deleted.isEmpty && renamed.isEmpty }

  /// Compares by path, then pairs what vanished with what appeared by inode and kind. A renamed path whose size or
  /// mtime changed too is also `modified`. What is missing below an unreadable directory of `new` is not `deleted`.
  public init(from old: Snapshot, to new: Snapshot) {
    var gone: [Snapshot.Entry] = []
    var came: [Snapshot.Entry] = []
    var i = 0
    var j = 0
    while i < old.entries.count || j < new.entries.count {
      if j == new.entries.count
        || (i < old.entries.count && byteOrder(old.entries[i].path.bytes, new.entries[j].path.bytes))
      {
        if !new.isUncertain(old.entries[i].path) { gone.append(old.entries[i]) }
        i += 1
      } else if i == old.entries.count || old.entries[i].path != new.entries[j].path {
        came.append(new.entries[j])
        j += 1
      } else {
        if old.entries[i].status.fingerprint != new.entries[j].status.fingerprint {
          modified.append(new.entries[j].path)
        }
        i += 1
        j += 1
      }
    }
    pair(gone, came)
  }

  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
    let kind: FileKind
    init(_ status: FileStatus) {
      device = status.device
      inode = status.inode
      kind = status.kind
    }
  }

  private mutating func pair(_ gone: [Snapshot.Entry], _ came: [Snapshot.Entry]) {
    var sources = Dictionary(gone.map { (Identity($0.status), $0) }, uniquingKeysWith: { first, _ in first })
    var moved: Set<BytePath> = []
    for entry in came {
      // An inode freed and used again is no rename: the mtime of a renamed file stays, or the file was edited too.
      guard let source = sources.removeValue(forKey: Identity(entry.status)) else {
        created.append(entry.path)
        continue
      }
      moved.insert(source.path)
      renamed.append(Rename(from: source.path, to: entry.path))
      if entry.status.kind == .file,
        entry.status.size != source.status.size
          || entry.status.modifiedNanoseconds != source.status.modifiedNanoseconds
      {
        modified.append(entry.path)
      }
    }
    deleted = gone.map(\.path).filter { !moved.contains($0) }
    modified.sort()
  }
}
