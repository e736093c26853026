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
  /// Cost: a look at every entry, on a worker thread, where the store has changed since the last time.
  public func status(pendingLimit: Int) async -> MirrorStatus {
    let totals = await currentTotals()
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

  /// Counted anew only when the store has changed since, and once for all who ask at a time. Of a million files that takes
  /// a second, in which the folder goes on.
  private func currentTotals() async -> FolderTotals {
    let wanted = store.lastSequence
    while true {
      if let totals, totals.sequence >= wanted { return totals.totals }
      if let counting {
        await counting.value
      } else {
        let task = Task { await count() }
        counting = task
        await task.value
      }
    }
  }

  private func count() async {
    let (folder, store) = (self.folder, self.store)
    let sequence = store.lastSequence
    let fresh = await pool.run { FolderTotals(of: folder, in: store) }
    totals = (sequence, fresh)
    counting = nil
  }
}

/// How much a folder holds, by its synced tree.
public struct FolderTotals: Sendable, Hashable {
  public var files = 0
  public var bytes: UInt64 = 0
  public var conflicts = 0

  public init(of folder: FolderID, in store: Store) {
    let prefix = StoreKey.filePrefix(folder)
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: 4096)
      for (key, summary) in page {
        // The index tells directories from the rest; only sizes are in the values.
        if summary.valueCount > StoredFileValue.directoryByteCount {
          guard let entry = try? store.get(key), let size = try? StoredFileValue.size(ofEncoded: entry.value) else {
            continue
          }
          files += 1
          bytes += size
        }
        if Change.Flags(rawValue: summary.flags).contains(.conflictCopy) { conflicts += 1 }
      }
      guard page.count == 4096 else { return }
      after = page.last!.key
    }
  }
}
