internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// Renames in one step, on the side that saw them and on the side that hears of them.
extension FolderMirror {
  /// A record of a move older than the last so many is dropped: who was away for longer gets the entries.
  private static let maxMoveRecords = 64
  /// A rename is one commit. A larger directory is deleted and made anew, which others do from what they have.
  private static let maxMovedEntries = 1 << 20

  // MARK: Local renames

  func takeMoves() async {
    while !moves.isEmpty {
      let move = moves.removeFirst()
      let isRecorded = await recordMove(move.from, move.to, isDirectory: move.isDirectory)
      if isRecorded { await removeEmptiedParents(of: [move.from]) } else { markDirty(move.from) }
      if isRecorded, !move.isDirectory { continue }
      // What was new below `from` and not yet taken in is below `to` now; the scan compares fingerprints only.
      if move.isDirectory { rescan(move.to) } else { markDirty(move.to) }
    }
  }

  /// True if the synced tree has the rename. False leaves it to be observed as a deletion and a creation.
  private func recordMove(_ from: BytePath, _ to: BytePath, isDirectory: Bool) async -> Bool {
    guard configuration.mode != .receiveOnly, !from.isReserved, !to.isReserved, !isIgnored(from, isDirectory),
      !isIgnored(to, isDirectory), !busy.contains(where: { $0.isWithin(from) || $0.isWithin(to) })
    else { return false }
    let source = liveEntries(at: from)
    guard source.first?.0 == from, liveEntries(at: to).isEmpty, isDirectory || isWorthARecord(source[0].1.entry) else {
      return false
    }
    guard source.count <= Self.maxMovedEntries,
      source.allSatisfy({ $0.0.bytes.count - from.bytes.count + to.bytes.count <= BytePath.maxBytes })
    else { return false }
    beginMove([from, to])
    defer { endMove([from, to]) }
    let old = source[0].1.entry
    let observer = self.observer
    let isGone = await pool.run { if case .absent = observer.observe(from) { true } else { false } }
    guard isGone else { return false }
    var fingerprint = old.tag
    if !isDirectory {
      // A rename changes a file's ctime; the same bytes under the new name are the same file.
      let reader = self.reader
      guard let value = (try? FileEntry(old, at: to.description))?.value, let manifest = value.manifest else {
        return false
      }
      let found = await pool.run { try? reader.manifest(of: to, previous: manifest) }
      guard let (status, now) = found,
        value == FileValue(of: status, now).completed(from: value, observer.held)
      else { return false }
      fingerprint = status.fingerprint
    } else {
      let volume = self.volume
      guard let status = await pool.run({ try? volume.status(to) }), status.kind == .directory,
        status.fingerprint == old.tag
      else { return false }
    }
    // A directory that took a file's place comes first, or peers would see a file in the way.
    guard fileAbove(to) == nil else { return false }
    let digest = moveDigest(source, below: from)
    let version = store.newVersion(basedOn: VersionVector(), author: configuration.author)
    let record = MoveRecord(from: from, to: to, digest: digest, count: UInt64(source.count))
    var mutations = [
      Mutation.put(
        key: StoreKey.move(folder, version.dot), value: record.encoded(), version: version, tag: 0,
        flags: Change.Flags.move.rawValue)
    ]
    mutations += moveMutations(source, from: from, to: to, version: version, rootTag: fingerprint)
    mutations += oldMoveRecords()
    commitLocal(mutations)
    host.report(.renamed(from, to: to))
    return true
  }

  private func isWorthARecord(_ entry: Entry) -> Bool {
    guard let value = (try? FileEntry(entry, at: ""))?.value else { return false }
    return value.size > UInt64(Change.maxInlineBytes)
  }

  private func oldMoveRecords() -> [Mutation] {
    let prefix = SpaceID.folder(folder).prefix + [UInt8(ascii: "m")]
    let records = store.list(prefix: prefix, after: nil, limit: 2 * Self.maxMoveRecords)
    guard records.count >= Self.maxMoveRecords else { return [] }
    return records.sorted { $0.summary.sequence < $1.summary.sequence }
      .prefix(records.count - Self.maxMoveRecords + 1).map { .erase(key: $0.key) }
  }

  // MARK: Both sides

  /// The entries of a rename that was done on disk: the same on every node that starts from the same tree.
  func moveMutations(
    _ source: [(BytePath, EntrySummaryAndVersion)], from: BytePath, to: BytePath, version: Version, rootTag: UInt64
  ) -> [Mutation] {
    var mutations: [Mutation] = []
    mutations.reserveCapacity(source.count * 2)
    for (path, item) in source.reversed() {
      guard let old = item.version else { continue }
      mutations.append(
        .delete(
          key: StoreKey.file(folder, path), value: [], version: derived(version, after: old.vector), tag: 0, flags: 0))
    }
    for (path, item) in source {
      guard let target = path.moved(from: from, to: to) else { continue }
      let key = StoreKey.file(folder, target)
      let before = (try? store.get(key))?.version?.vector ?? VersionVector()
      mutations.append(
        .put(
          key: key, value: item.entry.value, version: derived(version, after: before),
          tag: path == from ? rootTag : item.tag,
          // Whoever gives a copy another name has decided on it.
          flags: ConflictName.isConflictCopy(target) ? item.entry.flags & Change.Flags.conflictCopy.rawValue : 0))
    }
    return mutations + moveMade(from: from, to: to)
  }

  private func derived(_ version: Version, after vector: VersionVector) -> Version {
    Version(vector: vector, dot: version.dot, stamp: version.stamp, author: version.author)
  }

  func moveDigest(_ source: [(BytePath, EntrySummaryAndVersion)], below from: BytePath) -> ContentHash {
    var writer = ByteWriter(capacity: source.count * 48)
    for (path, item) in source {
      guard let version = item.version else { continue }
      writer.byteString(path.bytes.dropFirst(from.bytes.count))
      writer.dot(version.dot)
    }
    return reader.hasher.hash(writer.bytes)
  }

  // MARK: Remote renames

  /// Renames once if the tree here is the one that the author moved; the answer tells the sender what to leave out.
  func receiveMove(_ change: Change) async -> SyncMessage {
    let dot = change.version.dot
    let isDone = await carryOutMove(change)
    return .moveAnswer(.folder(folder), dot, done: isDone)
  }

  private func carryOutMove(_ change: Change) async -> Bool {
    guard let record = try? MoveRecord(decoding: change.value), configuration.mode != .sendOnly else { return false }
    store.observe(change.version.stamp)
    let (from, to) = (record.from, record.to)
    let isTouched: @Sendable (BytePath) -> Bool = { $0.isWithin(from) || $0.isWithin(to) }
    // Changes sent before the rename may still be on their way to the disk: a batch at work is waited for, and what
    // cannot be applied for now means that the trees differ. What a scan has read there is recorded first; a scan that goes
    // on there is not waited for.
    var maySeeScan = true
    while isRunning,
      busy.contains(where: isTouched) && (finishing > 0 || isApplying || isObserving)
        || maySeeScan && comparing.contains(where: isTouched)
    {
      if comparing.contains(where: isTouched) { maySeeScan = false }
      finishNow()
      await withCheckedContinuation { batchWaiters.append($0) }
    }
    guard isRunning, !isStopping, !comparing.contains(where: isTouched),
      !pending.all.contains(where: { isTouched($0.path) }), !busy.contains(where: isTouched),
      !dirty.contains(where: isTouched), !changing.contains(where: isTouched)
    else { return false }
    let source = liveEntries(at: from)
    guard source.first?.0 == from,
      UInt64(source.count) == record.count && liveEntries(at: to).isEmpty
        && moveDigest(source, below: from) == record.digest || DeliberateFault.moveUnchecked.isOn
    else { return false }
    beginMove([from, to])
    halfDone += 1
    defer {
      halfDone -= 1
      endMove([from, to])
    }
    let volume = self.volume
    let expected = source[0].1.tag
    let intent = MoveIntent(version: change.version, record: record)
    do throws(SoftadastraError) {
      try await begin(intent)
    } catch {
      if !error.isAboutResources { halt(error) }
      return false
    }
    let moved: (status: FileStatus, isAsExpected: Bool)? = await pool.run {
      guard let before = try? volume.status(from), before.fingerprint == expected else { return nil }
      guard let after = try? volume.move(from, to: to) else { return nil }
      try? volume.barrier()
      return (after, after.kind == .directory || after.isSameFile(as: before) && after.mode == before.mode)
    }
    guard let moved else {
      commitLocal([.erase(key: intent.key(folder))])
      return false
    }
    // What somebody did to a file right before the rename is read before its fingerprint counts.
    let tag = moved.isAsExpected ? moved.status.fingerprint : 0
    let mutations = moveMutations(source, from: from, to: to, version: change.version, rootTag: tag)
    do throws(SoftadastraError) {
      try await store.wait(try store.commit(mutations + [.erase(key: intent.key(folder))]))
    } catch {
      halt(error)
      return false
    }
    host.report(.renamed(from, to: to))
    await removeEmptiedParents(of: [from])
    // Local work that the rename carried along is found by its fingerprints.
    if moved.status.kind == .directory { rescan(to) }
    if !moved.isAsExpected { markDirty(to) }
    return true
  }
}
