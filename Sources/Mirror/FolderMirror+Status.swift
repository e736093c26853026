public import SoftadastraCore
internal import SoftadastraFS
public import SoftadastraStore
internal import SoftadastraSync

/// What a folder's mirror tells about itself.
public struct MirrorStatus: Sendable {
  public struct Pending: Sendable, Hashable {
    public let path: BytePath
    public let bytes: UInt64
    public let peer: NodeID?
  }

  public var state: MirrorState
  /// Live files and symlinks, and the bytes of the files.
  public var files: Int
  public var bytes: UInt64
  public var conflicts: Int
  /// Known and not applied yet; at most the limit asked for.
  public var pending: [Pending]
  public var pendingFiles: Int
  public var pendingBytes: UInt64
  /// Changed on disk and not taken in yet.
  public var unobserved: Int
  public var blocked: [(path: BytePath, error: SoftadastraError)]
  /// Deletions that wait for a person.
  public var heldDeletions: SoftadastraError?
}

extension FolderMirror {
  public func status(pendingLimit: Int) async -> MirrorStatus {
    let totals = FolderTotals(of: folder, in: store)
    let items = pending.all
    return MirrorStatus(
      state: state, files: totals.files, bytes: totals.bytes, conflicts: totals.conflicts,
      pending: items.prefix(pendingLimit).map {
        MirrorStatus.Pending(path: $0.path, bytes: missingBytes($0), peer: $0.origins.first?.peer)
      },
      pendingFiles: items.count, pendingBytes: items.reduce(0) { $0 + missingBytes($1) },
      unobserved: dirty.count + deferred.count + changing.count + frontier.count,
      blocked: unsupported.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      heldDeletions: brake.held.map { Self.heldError($0.gone, $0.total, volume.location) })
  }

  /// Lets go of what only spares work in a burst.
  public func giveBackMemory() {
    recentContent.removeAll()
    if dirty.isEmpty { dirty = [] }
    if deferred.isEmpty { deferred = [] }
    if busy.isEmpty { busy = [] }
    if pending.isEmpty { pending = PendingTree() }
  }

  private func missingBytes(_ item: PendingTree.Item) -> UInt64 {
    fetches[item.key]?.plan.bytesMissing ?? item.entry.value?.size ?? 0
  }
}

/// How much a folder holds, by its synced tree.
public struct FolderTotals: Sendable, Hashable {
  public var files = 0
  public var bytes: UInt64 = 0
  public var conflicts = 0

  /// Has the store keep the sums that this is made of: for every store that holds folders.
  public static let rule = SumRule(
    number: 1, namespace: Namespace.file, prefixCount: StoreKey.filePrefix(FolderID(rawValue: 0)).count,
    markingFlags: Change.Flags.conflictCopy.rawValue, amount: StoredFileValue.amount(ofEncoded:))

  public init(of folder: FolderID, in store: Store) {
    guard let sum = store.sum(prefix: StoreKey.filePrefix(folder)) else {
      preconditionFailure("a store that holds folders is opened with `FolderTotals.rule`")
    }
    files = sum.count
    bytes = sum.amount
    conflicts = sum.marked
  }
}
