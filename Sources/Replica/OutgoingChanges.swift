internal import SoftadastraCore
public import SoftadastraMirror
public import SoftadastraStore
public import SoftadastraSync

/// Reads and encodes what the engine chose to send, in one session with one peer.
public struct OutgoingChanges: Sendable {
  /// A message of changes is cut at about this many bytes.
  static let messageBytes = 1 << 20

  private let store: Store
  private let sent = SentVersions()

  public init(store: Store) { self.store = store }

  /// One batch as it travels.
  public struct Encoded: Sendable {
    public var messages: [SyncMessage.Changes] = []
    /// False if entries were superseded since they were chosen, and left out, or some were taken back: then it does not say
    /// that the feed ends with it, since what superseded them comes later.
    public var isWhole = true
  }

  /// The messages of one batch; entries superseded since it was chosen are left out.
  ///
  /// A crash must not bring back what was left out, since the peer's cursor goes past it: what superseded it is waited for
  /// until it is durable. Where the log takes nothing, nothing is sent: the engine chooses it again after a while.
  ///
  /// - Parameter mirror: of the batch's folder, if it is one. Nothing is sent for a folder that is gone.
  public func encoded(_ batch: SyncEngine.Batch, claim: Claim?, mirror: FolderMirror?) async -> Encoded {
    let changes: [Change]
    if case .folder = batch.space {
      guard let mirror else { return Encoded() }
      changes = await mirror.changes(for: batch.items, peerWatermark: batch.peerWatermark, sent: sent)
    } else {
      changes = batch.items.compactMap { change(for: $0, in: batch.space) }
    }
    let isVoid = claim.map { $0.mark != WithheldWatermarks.mark(of: batch.space, in: store) } ?? false
    let isWhole = changes.count == batch.items.count && !isVoid
    if !isWhole, (try? await store.wait(CommitTicket(sequences: store.lastSequence...store.lastSequence))) == nil {
      return Encoded()
    }
    let watermark = isWhole ? claim?.watermark : nil
    var messages: [SyncMessage.Changes] = []
    var items: [Change] = []
    var bytes = 0
    var after = batch.after
    for (index, change) in changes.enumerated() {
      items.append(change)
      bytes += change.encodedSizeEstimate
      guard bytes >= Self.messageBytes, index + 1 < changes.count else { continue }
      messages.append(
        SyncMessage.Changes(space: batch.space, after: after, through: change.sequence, watermark: nil, items: items))
      after = change.sequence
      items = []
      bytes = 0
    }
    messages.append(
      SyncMessage.Changes(space: batch.space, after: after, through: batch.through, watermark: watermark, items: items))
    return Encoded(messages: messages, isWhole: isWhole)
  }

  /// What a node that joins must know of the group at once. How far members are comes with the feed: it is one record for
  /// each member and space, and might not fit into one message.
  public func groupRecords() -> [Change] {
    store.list(prefix: SpaceID.group.prefix, after: nil, limit: SyncMessage.maxWantedKeys).compactMap { key, summary in
      guard !key.starts(with: WatermarkRecord.allPrefix), let dot = summary.dot else { return nil }
      return change(for: FeedPage.Item(key: key, sequence: summary.sequence, dot: dot), in: .group)
    }
  }

  private func change(for item: FeedPage.Item, in space: SpaceID) -> Change? {
    guard let entry = try? store.get(item.key), let version = entry.version, version.dot == item.dot else { return nil }
    return Change(
      sequence: item.sequence, key: Array(item.key.dropFirst(space.prefix.count)), version: version,
      flags: entry.isDeleted ? .deleted : [], value: entry.value)
  }
}
