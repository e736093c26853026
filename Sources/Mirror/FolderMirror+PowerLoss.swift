internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What a power loss of the machine did to the folder is healed, and never taken for somebody's work.
///
/// A filesystem may lose names, and bytes of files, that were written in the last seconds before: a received file that was
/// linked and whose barrier had not come, or a local file that was recorded and sent on. What is durable for certain is
/// what lay there when a barrier began, up to the *durable mark*: a sequence of the store, kept as a setting. After the
/// machine was started anew, every path newer than the mark, or wanted and not recorded, is compared with its entry:
///
/// | disk                                          | entry              | what is done                                 |
/// | --------------------------------------------- | ------------------ | -------------------------------------------- |
/// | file of the wanted time with other bytes      | wanted, new        | to the archive; applied again                |
/// | file that is not newer than its entry, differs| recorded           | to the archive; wanted from peers again      |
/// | nothing                                       | recorded           | wanted from peers again                      |
/// | file that is not newer than the deletion      | recorded, deleted  | to the archive                               |
/// | anything newer                                |                    | somebody's work since: taken in as always    |
extension FolderMirror {
  private static let markDelayNanoseconds: UInt64 = 5_000_000_000
  private static let healingPage = 512

  private var durableKey: [UInt8] { StoreKey.setting("durable/\(folder)") }

  // MARK: The mark

  /// Says that everything recorded up to the sequence was on the disk when a barrier began that has returned.
  func durableMark(_ sequence: UInt64) -> Mutation {
    var writer = ByteWriter(capacity: 8)
    writer.uint64(sequence)
    return .put(key: durableKey, value: writer.bytes, version: nil)
  }

  private func markedSequence() throws(SoftadastraError) -> UInt64 {
    guard let entry = try store.get(durableKey) else { return 0 }
    do {
      return try decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in try reader.uint64() }
    } catch {
      throw SoftadastraError(.damaged, "durable mark", why: "\(error)", hint: "run softadastra wal verify")
    }
  }

  /// After local work was recorded: its mark follows in a while, one for all that comes until then.
  func markDurableSoon() {
    guard !isMarkDue else { return }
    isMarkDue = true
    Task {
      await self.time.sleep(nanoseconds: Self.markDelayNanoseconds)
      self.isMarkDue = false
      if self.isRunning { await self.markDurable() }
    }
  }

  /// Makes what is recorded durable on disk, and says so. What fails is tried with the next mark: until then more is
  /// checked after a power loss.
  public func markDurable() async {
    let sequence = store.durableSequence
    let since = (try? markedSequence()) ?? 0
    guard !store.changes(prefix: StoreKey.filePrefix(folder), since: since, limit: 1).entries.isEmpty else { return }
    let volume = self.volume
    let isDone = await pool.run { (try? volume.barrier()) != nil }
    guard isDone else { return }
    _ = try? store.commit([durableMark(sequence)])
  }

  // MARK: Healing

  /// At start, before anything is looked at.
  func healAfterPowerLoss() async throws(SoftadastraError) {
    guard configuration.isAfterPowerLoss else { return }
    for item in pending.all { try await heal(item) }
    var since = try markedSequence()
    while true {
      let page = store.changes(prefix: StoreKey.filePrefix(folder), since: since, limit: Self.healingPage, upTo: .max)
      for (key, summary) in page.entries {
        guard let path = StoreKey.path(ofFileKey: key) else { continue }
        try await heal(path, key, summary)
      }
      guard page.isTruncated, page.through > since else { break }
      since = page.through
    }
    try await pool.run { [volume] () throws(SoftadastraError) in try volume.barrier() }
  }

  /// What is wanted and not recorded: a file that was linked before its bytes were durable.
  private func heal(_ item: PendingTree.Item) async throws(SoftadastraError) {
    guard let value = item.entry.value, case .file(_, let modified, let manifest) = value.kind else { return }
    let (volume, reader, path) = (self.volume, self.reader, item.path)
    let summary = store.summary(StoreKey.file(folder, path))
    guard summary?.isDeleted ?? true else { return }
    let isHealed = try await pool.run { () throws(SoftadastraError) in
      guard let status = try volume.status(path), status.kind == .file, status.modifiedNanoseconds == modified else {
        return false
      }
      if status.size == value.size,
        try reader.manifest(of: path, previousClass: manifest.sizeClass).1.chunks == manifest.chunks
      {
        return false
      }
      try volume.archive(try volume.displace(path), from: path, as: .recovered)
      return true
    }
    if isHealed { host.report(.healed(path)) }
  }

  private enum Found {
    case asRecorded
    /// Nothing, or what was left is in the archive.
    case gone
  }

  private func heal(_ path: BytePath, _ key: [UInt8], _ summary: EntrySummary) async throws(SoftadastraError) {
    guard let entry = try observer.entry(key, summary, path) else { return }
    let (volume, observer) = (self.volume, self.observer)
    let found = try await pool.run { () throws(SoftadastraError) -> Found in
      guard let status = try volume.status(path) else { return entry.isDeleted ? .asRecorded : .gone }
      guard status.kind == .file, Self.isNotNewer(status, than: entry) else { return .asRecorded }
      if !entry.isDeleted {
        guard case .changed = observer.observe(path, trustsFingerprint: false) else { return .asRecorded }
      }
      try volume.archive(try volume.displace(path), from: path, as: .recovered)
      return .gone
    }
    guard case .gone = found else { return }
    host.report(.healed(path))
    if entry.isDeleted { return }
    let ticket = try store.commit(NewPlace.wantAgain(folder, path, entry))
    try await store.wait(ticket)
    _ = pending.add(PendingTree.Item(path: path, entry: entry, origins: [], record: ticket.sequences.upperBound))
  }

  /// Of a file that somebody changed since, the time says so.
  private static func isNotNewer(_ status: FileStatus, than entry: FileEntry) -> Bool {
    guard let value = entry.value else {
      return status.modifiedNanoseconds / 1_000_000 <= Int64(clamping: entry.version.stamp.milliseconds)
    }
    guard case .file(_, let modified, _) = value.kind else { return false }
    return status.modifiedNanoseconds <= modified
  }
}
