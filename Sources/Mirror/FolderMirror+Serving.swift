public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
public import SoftadastraSync

/// What peers get from this folder.
extension FolderMirror {
  /// The changes of one batch as they travel, small content inside; entries superseded meanwhile are left out.
  ///
  /// - Parameters:
  ///   - peerWatermark: what the peer has applied, for choosing deltas.
  ///   - sent: what it was sent in this session.
  public nonisolated func changes(
    for items: [FeedPage.Item], peerWatermark: VersionVector, sent: SentVersions
  ) async -> [Change] {
    await onPool(items) { item in self.change(for: item, peerWatermark, sent) }.compactMap { $0 }
  }

  /// These entries again, whole.
  public nonisolated func wholeChanges(for keys: [[UInt8]]) async -> [Change] {
    let prefix = SpaceID.folder(configuration.folder).prefix
    let items = keys.compactMap { key -> FeedPage.Item? in
      guard let summary = store.summary(prefix + key), let dot = summary.dot else { return nil }
      return FeedPage.Item(key: prefix + key, sequence: summary.sequence, dot: dot)
    }
    return await onPool(await durable(items)) { item in self.change(for: item, VersionVector(), nil) }
      .compactMap { $0 }
  }

  /// Waits until they are: nothing is sent that a crash could take back. Those that the log has no room for are left out,
  /// the feed brings them when it has.
  private nonisolated func durable(_ items: [FeedPage.Item]) async -> [FeedPage.Item] {
    guard let last = items.map(\.sequence).max(), last > store.durableSequence else { return items }
    do throws(SoftadastraError) {
      try await store.wait(CommitTicket(sequences: last...last))
      return items
    } catch {
      let durable = store.durableSequence
      return items.filter { $0.sequence <= durable }
    }
  }

  private nonisolated func change(
    for item: FeedPage.Item, _ peerWatermark: VersionVector, _ sent: SentVersions?
  ) -> Change? {
    guard let entry = try? store.get(item.key), let version = entry.version, version.dot == item.dot else { return nil }
    let key = Array(item.key.dropFirst(SpaceID.folder(configuration.folder).prefix.count))
    var flags = Change.Flags(rawValue: entry.flags)
    if StoreKey.isMove(item.key) {
      return Change(sequence: item.sequence, key: key, version: version, flags: .move, value: entry.value)
    }
    if entry.isDeleted {
      flags.insert(.deleted)
      return Change(sequence: item.sequence, key: key, version: version, flags: flags, value: [])
    }
    guard let path = StoreKey.path(ofFileKey: item.key), let stored = try? StoredFileValue(decoding: entry.value) else {
      return nil
    }
    var change = Change(sequence: item.sequence, key: key, version: version, flags: flags, value: entry.value)
    if case .file(let size, _, let manifest) = stored.value.kind, size > 0 {
      if size <= UInt64(Change.maxInlineBytes) {
        change.content = recentContent.take(item.sequence) ?? reader.inlineContent(of: path, manifest, size: size)
      } else if let sent {
        if let delta = stored.delta, peerWatermark.covers(delta.base) || sent.isNewest(delta.base, of: item.key),
          let bytes = stored.encodedAsDelta()
        {
          change.value = bytes
          change.flags.insert(.delta)
        }
        sent.note(item.key, version.dot)
      }
    }
    return change
  }

  /// Reads the range asked for, if this node still has that version. If it does not, it says first what it has instead:
  /// the asker may not have heard that what it wants is overtaken.
  public nonisolated func serve(_ fetch: SyncMessage.Fetch) async -> [SyncMessage] {
    let answer = await pool.run { self.read(fetch) }
    guard case .fetchFailed(_, .superseded) = answer else { return [answer] }
    let prefix = SpaceID.folder(configuration.folder).prefix
    let changes = await wholeChanges(
      for: places(of: fetch).map { Array(StoreKey.file(configuration.folder, $0).dropFirst(prefix.count)) })
    return changes.isEmpty ? [answer] : [.supplement(.folder(configuration.folder), changes), answer]
  }

  /// The loser of a conflict may still have its own name here.
  private nonisolated func places(of fetch: SyncMessage.Fetch) -> [BytePath] {
    [fetch.path] + ConflictOriginals.of(fetch.path, in: configuration.folder, store)
  }

  private nonisolated func read(_ fetch: SyncMessage.Fetch) -> SyncMessage {
    var found: (path: BytePath, tag: UInt64)?
    for place in places(of: fetch) {
      if let summary = store.summary(StoreKey.file(configuration.folder, place)), summary.dot == fetch.dot,
        !summary.isDeleted
      {
        found = (place, summary.tag)
        break
      }
    }
    guard let found else { return .fetchFailed(request: fetch.request, .superseded) }
    do throws(SoftadastraError) {
      let file = try volume.openForReading(found.path)
      // Only a file that still is what the store says is served; the receiver verifies each chunk besides. Nobody has
      // looked yet what another one is.
      guard file.statusWhenOpened.fingerprint == found.tag else {
        return .fetchFailed(request: fetch.request, .unreadable)
      }
      let count = Int(fetch.length)
      var failure: SoftadastraError?
      let data = SyncMessage.FetchedData(request: fetch.request, count: count, in: host.makeBytes) { buffer in
        do throws(SoftadastraError) { return try file.read(at: fetch.offset, into: buffer) } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      guard data.bytes.count == count else { return .fetchFailed(request: fetch.request, .unreadable) }
      return .data(data)
    } catch {
      return .fetchFailed(request: fetch.request, .unreadable)
    }
  }
}
