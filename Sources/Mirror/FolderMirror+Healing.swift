internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What a power loss of the machine did to the folder is healed, and never taken for somebody's work.
///
/// After the machine was started anew, every path newer than the durable mark, or wanted and not recorded, is compared
/// with its entry:
///
/// | disk                                          | entry              | what is done                                 |
/// | --------------------------------------------- | ------------------ | -------------------------------------------- |
/// | file of the wanted time with other bytes      | wanted, new        | to the archive; applied again                |
/// | its bytes lie at another of these paths       | recorded           | a rename was undone: done again              |
/// | the bytes, with other attributes              | recorded           | the attributes are set again                 |
/// | nothing, or a file not newer than its entry   | of a peer          | to the archive; wanted from peers again      |
/// | nothing, or a file as new as its entry        | of this node       | to the archive; said to be lost              |
/// | an older file, or a directory or symlink      | of this node       | stays; its entry is said to be lost          |
/// | file that is not newer than the deletion      | recorded, deleted  | to the archive                               |
/// | anything newer                                |                    | somebody's work since: taken in as always    |
///
/// *Lost* is a version of its own (`FileEntry.isLost`): nobody waits any more for bytes that may exist nowhere, and
/// whoever has them keeps them, under a new version that brings them back here.
extension FolderMirror {
  private static let healingPage = 512

  /// A path that the disk does not hold as it is recorded.
  private struct Damage: Sendable {
    let path: BytePath
    let key: [UInt8]
    let entry: FileEntry
    let held: HeldAttributes
    /// What lies there.
    var file: FileStatus?
    /// The same, as an entry would say it. Not of what lies where a deletion was undone.
    var value: FileValue?

    /// Of a file that somebody changed since, the times say so. Nobody sets the time of the last change: if that is
    /// after the boot, it was no filesystem that came up again.
    func isNewer(bootedAt boot: Int64?) -> Bool {
      guard let file else { return false }
      if let boot, file.changedNanoseconds >= boot { return true }
      guard let value = entry.value else {
        return file.modifiedNanoseconds / 1_000_000 > Int64(clamping: entry.version.stamp.milliseconds)
      }
      return file.kind == .file && !held.shows(value.modifiedNanoseconds, as: file.modifiedNanoseconds)
        && file.modifiedNanoseconds > value.modifiedNanoseconds
    }

    /// What lies there is something whole, from before the entry's version.
    var isOlder: Bool {
      guard let value, let recorded = entry.value else { return false }
      guard value.manifest != nil else { return true }
      return value.size > 0 && !held.shows(recorded.modifiedNanoseconds, as: value.modifiedNanoseconds)
        && value.modifiedNanoseconds < recorded.modifiedNanoseconds
    }
  }

  /// At start, before anything is looked at.
  func healAfterPowerLoss() async throws(SoftadastraError) {
    guard configuration.isAfterPowerLoss else { return }
    for item in pending.all { try await heal(item) }
    var damaged: [Damage] = []
    var since = try markedSequence()
    while true {
      let page = store.changes(prefix: StoreKey.filePrefix(folder), since: since, limit: Self.healingPage, upTo: .max)
      for (key, summary) in page.entries {
        guard let path = StoreKey.path(ofFileKey: key), let damage = try await damage(path, key, summary) else {
          continue
        }
        damaged.append(damage)
      }
      guard page.isTruncated, page.through > since else { break }
      since = page.through
    }
    try await redoRenames(&damaged)
    for damage in damaged { try await heal(damage) }
    try await pool.run { [volume] () throws(SoftadastraError) in try volume.barrier() }
  }

  /// What is wanted and not recorded: a file that was linked before its bytes were durable.
  private func heal(_ item: PendingTree.Item) async throws(SoftadastraError) {
    guard let value = item.entry.value, case .file(_, let modified, let manifest) = value.kind else { return }
    let (volume, reader, path, held) = (self.volume, self.reader, item.path, observer.held)
    let summary = store.summary(StoreKey.file(folder, path))
    guard summary?.isDeleted ?? true else { return }
    let isHealed = try await pool.run { () throws(SoftadastraError) in
      guard let status = try volume.status(path), status.kind == .file,
        held.shows(modified, as: status.modifiedNanoseconds)
      else { return false }
      if status.size == value.size,
        try reader.manifest(of: path, previous: manifest).1.chunks == manifest.chunks
      {
        return false
      }
      return try Self.recover(path, status, on: volume)
    }
    if isHealed { host.report(.healed(path)) }
  }

  /// Nil if the disk holds what is recorded, or what is no file and may be somebody's.
  private func damage(
    _ path: BytePath, _ key: [UInt8], _ summary: EntrySummary
  ) async throws(SoftadastraError) -> Damage? {
    guard let entry = try observer.entry(key, summary, path) else { return nil }
    let (volume, observer) = (self.volume, self.observer)
    let boot = configuration.bootedAtNanoseconds ?? .min
    let isOurFile = entry.value?.manifest != nil && isOurs(entry)
    return try await pool.run { () throws(SoftadastraError) -> Damage? in
      let missing = Damage(path: path, key: key, entry: entry, held: observer.held)
      guard let status = try volume.status(path) else { return entry.isDeleted ? nil : missing }
      guard status.kind == .file || isOurFile && status.changedNanoseconds < boot else { return nil }
      guard let value = entry.value else {
        return Damage(path: path, key: key, entry: entry, held: observer.held, file: status)
      }
      guard case .changed(let now) = observer.observe(path, trustsFingerprint: false) else {
        return nil
      }
      if case .file(_, let modified, _) = value.kind, value.hasSameContent(as: now.value.value) {
        do throws(SoftadastraError) {
          _ = try volume.setAttributes(
            path, permissions: value.permissions, modifiedNanoseconds: modified, expecting: now.fingerprint)
        } catch {
          // Somebody's by now.
          guard error.code == .changed else { throw error }
        }
        return nil
      }
      return Damage(path: path, key: key, entry: entry, held: observer.held, file: status, value: now.value.value)
    }
  }

  // MARK: Renames

  /// Bytes that lie where they lay before a rename, an exchange or the making of a conflict copy go where they belong.
  private func redoRenames(_ damaged: inout [Damage]) async throws(SoftadastraError) {
    var rest = damaged
    for wanted in damaged {
      guard let value = wanted.entry.value, case .file(let size, let modified, let manifest) = value.kind, size > 0
      else {
        continue
      }
      let sources = rest.indices.filter {
        rest[$0].path != wanted.path && rest[$0].file?.size == size
          && observer.held.shows(modified, as: rest[$0].file!.modifiedNanoseconds)
      }
      for source in sources {
        let (volume, reader, path) = (self.volume, self.reader, rest[source].path)
        let seen = rest[source].file!
        let displaced = try await pool.run { () throws(SoftadastraError) -> Displaced? in
          guard try reader.manifest(of: path, previous: manifest).1.chunks == manifest.chunks else {
            return nil
          }
          return try Self.take(path, seen, on: volume)
        }
        guard let displaced else { continue }
        rest[source].file = nil
        rest[source].value = nil
        try await want(wanted.path, wanted.entry, staged: displaced.stagedName)
        break
      }
    }
    // What is wanted again by now needs no more than its place.
    damaged = rest.filter { !$0.entry.isDeleted || $0.file != nil }
  }

  // MARK: The rest

  private func heal(_ damage: Damage) async throws(SoftadastraError) {
    let (path, entry) = (damage.path, damage.entry)
    let isWanted = pending[path, entry.version.dot] != nil
    if damage.isNewer(bootedAt: configuration.bootedAtNanoseconds) { return }
    let staysHere = damage.isOlder && isOurs(entry) && !isWanted
    if let file = damage.file, file.kind == .file, !staysHere {
      let isRecovered = try await pool.run { [volume] () throws(SoftadastraError) in
        try Self.recover(path, file, on: volume)
      }
      guard isRecovered else { return }
    }
    host.report(.healed(path))
    guard let value = entry.value, !isWanted else { return }
    guard value.size > 0, isOurs(entry) else { return try await want(path, entry, staged: nil) }
    let left = FileEntry(
      version: store.newVersion(basedOn: entry.version.vector, author: configuration.author),
      stored: staysHere ? damage.value.map { StoredFileValue($0) } : nil, isConflictCopy: entry.isConflictCopy,
      isLost: true)
    let tag = staysHere ? damage.file?.fingerprint ?? 0 : 0
    try await store.wait(try store.commit([left.mutation(key: damage.key, tag: tag)]))
  }

  /// To the archive. False if what lies there is not what was looked at: somebody has just put it there.
  private static func recover(
    _ path: BytePath, _ seen: FileStatus, on volume: any Volume
  ) throws(SoftadastraError) -> Bool {
    guard let displaced = try take(path, seen, on: volume) else { return false }
    try volume.archive(displaced, from: path, as: .recovered)
    return true
  }

  /// Nil if it is not what was looked at: that stays, or goes to the archive if its name is taken again.
  private static func take(
    _ path: BytePath, _ seen: FileStatus, on volume: any Volume
  ) throws(SoftadastraError) -> Displaced? {
    let displaced: Displaced
    do throws(SoftadastraError) {
      displaced = try volume.openingUpParent(of: path) { () throws(SoftadastraError) in try volume.displace(path) }
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
    guard !displaced.status.isSameFile(as: seen) else { return displaced }
    do throws(SoftadastraError) { _ = try volume.replace(displaced, at: path) } catch {
      try volume.archive(displaced, from: path, as: .recovered)
    }
    return nil
  }

  /// Made here, so that nobody else need have its bytes.
  private func isOurs(_ entry: FileEntry) -> Bool {
    guard configuration.mode != .receiveOnly else { return false }
    return entry.version.dot.replica == store.replica || entry.version.author == configuration.author
      || entry.isConflictCopy
  }

  private func want(_ path: BytePath, _ entry: FileEntry, staged: String?) async throws(SoftadastraError) {
    let ticket = try store.commit(NewPlace.wantAgain(folder, path, entry))
    try await store.wait(ticket)
    var item = PendingTree.Item(path: path, entry: entry, origins: [], record: ticket.sequences.upperBound)
    item.stagedName = staged
    _ = pending.add(item)
  }
}
