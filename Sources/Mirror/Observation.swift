public import SoftadastraCore
internal import SoftadastraFS
public import SoftadastraStore
internal import SoftadastraSync

/// What a look at one path found, compared with its synced entry.
public enum Observation: Sendable {
  /// The disk holds the synced entry.
  case unchanged
  /// The same value under another fingerprint (or a coarse timestamp that has settled): only the tag is renewed.
  case retag(UInt64)
  case absent
  /// Another value than the synced entry's.
  case changed(Found)
  /// Exists because something below does; makes no version.
  case implicitDirectory
  /// A device, socket or FIFO, or part of another filesystem.
  case unsupported
  /// Being written to; look again later.
  case changing
  case failed(SoftadastraError)

  /// What lies on the disk.
  public struct Found: Sendable {
    public let value: StoredFileValue
    public let fingerprint: UInt64
    /// The file's ctime, in nanoseconds since 1970.
    public let changedNanoseconds: Int64
    /// The bytes, if they would travel inside their change.
    public var inline: [UInt8]?
    /// What is written to the file next may leave it the same fingerprint.
    public var isRecent = false
  }

  var isChange: Bool { if case .changed = self { true } else { false } }
  var isUndecided: Bool {
    switch self {
    case .changing, .failed: true
    default: false
    }
  }
}

/// Looks at paths and compares them with the synced tree. Blocks: for worker threads.
public struct Observer: Sendable {
  public let folder: FolderID
  public let store: Store
  public let reader: ContentReader
  let made: MadeDirectories
  /// Timestamps this close may hide a later write; 0 where every write shows.
  var granularityNanoseconds: Int64 = 0
  var time: any TimeSource = SystemTime()
  let held: HeldAttributes

  init(
    folder: FolderID, store: Store, reader: ContentReader, made: MadeDirectories, granularityNanoseconds: Int64 = 0,
    time: any TimeSource = SystemTime()
  ) {
    self.folder = folder
    self.store = store
    self.reader = reader
    self.made = made
    self.granularityNanoseconds = granularityNanoseconds
    self.time = time
    held = reader.volume.heldAttributes
  }

  /// The clock of a file server may differ by so much.
  private static let clockToleranceNanoseconds: Int64 = 60_000_000_000

  /// - Parameters:
  ///   - trustsFingerprint: false re-reads a file although its fingerprint is known (coarse timestamps).
  ///   - isWritten: somebody wrote to it. A peer's file is re-read then: its fingerprint may be from after the write.
  public func observe(_ path: BytePath, trustsFingerprint: Bool = true, isWritten: Bool = false) -> Observation {
    looking { () throws(SoftadastraError) in
      let key = StoreKey.file(folder, path)
      let summary = store.summary(key)
      guard let status = try reader.volume.status(path) else { return .absent }
      if let summary, summary.tag == status.fingerprint, trustsFingerprint, !summary.isDeleted,
        !isWritten || summary.dot?.replica == store.replica
      {
        return .unchanged
      }
      let outcome = try compare(path, status, try entry(key, summary, path), summary?.tag)
      if case .retag(let tag) = outcome, tag == summary?.tag { return .unchanged }
      return outcome
    }
  }

  /// What was found at this path, if it still lies there; nil if it is to be looked at anew.
  func confirmed(_ found: Observation.Found, _ path: BytePath) -> Observation? {
    guard let status = try? reader.volume.status(path), status.fingerprint == found.fingerprint else { return nil }
    return .changed(found)
  }

  /// Looks at a regular file that has no entry.
  ///
  /// - Parameter status: as a listing has just found it, which spares a look. Where that is not true any more the file is
  ///   looked at anew.
  func observeNew(_ path: BytePath, _ status: FileStatus) -> Observation {
    looking { () throws(SoftadastraError) in try compare(path, status, nil, nil) }
  }

  private func looking(_ look: () throws(SoftadastraError) -> Observation) -> Observation {
    do throws(SoftadastraError) {
      return try look()
    } catch {
      if error.code == .notFound { return .absent }
      if error.code == .changed { return .changing }
      if error.code == .unsupported { return .unsupported }
      return .failed(error)
    }
  }

  private func compare(
    _ path: BytePath, _ status: FileStatus, _ known: FileEntry?, _ tag: UInt64?
  ) throws(SoftadastraError) -> Observation {
    switch status.kind {
    case .other: return .unsupported
    case .directory:
      if made.isBeingMade(path) { return .changing }
      if known == nil || known!.isDeleted {
        // A directory that a peer deleted and that stays for what lies in it, or that exists only for its children.
        if tag == status.fingerprint || made.fingerprint(path) == status.fingerprint {
          return .implicitDirectory
        }
      }
      return outcome(FileValue(kind: .directory, permissions: status.permissions), known, status)
    case .symlink:
      let target = try reader.volume.readLink(path)
      return outcome(
        FileValue(
          kind: .symlink(target: target, modifiedNanoseconds: status.modifiedNanoseconds), permissions: 0o777), known,
        status)
    case .file:
      let old = known?.value?.manifest
      let begun = granularityNanoseconds > 0 ? time.wallMilliseconds() * 1_000_000 : .max
      let (read, manifest, inline) = try reader.contents(of: path, previous: old, lookedAt: status)
      let value = FileValue(of: read, manifest)
      let isRecent =
        granularityNanoseconds > 0
        && read.changedNanoseconds > begun - granularityNanoseconds - Self.clockToleranceNanoseconds
      return outcome(value, known, read, inline, isRecent: isRecent)
    }
  }

  private func outcome(
    _ found: FileValue, _ known: FileEntry?, _ status: FileStatus, _ inline: [UInt8]? = nil, isRecent: Bool = false
  ) -> Observation {
    let value = found.completed(from: known?.value, held)
    func changed(_ value: StoredFileValue) -> Observation {
      .changed(
        Observation.Found(
          value: value, fingerprint: status.fingerprint, changedNanoseconds: status.changedNanoseconds, inline: inline,
          isRecent: isRecent))
    }
    guard let known, let old = known.value else { return changed(StoredFileValue(value)) }
    if old == value, !DeliberateFault.echoRecorded.isOn { return .retag(status.fingerprint) }
    var delta: StoredFileValue.Delta?
    if let from = old.manifest, let to = value.manifest, to.chunks.count > 8 {
      let changes = ManifestDelta(from: from, to: to)
      // Where most is new the delta is as long as the whole, and would not be sent.
      if changes.insertedChunks * 2 < to.chunks.count {
        delta = StoredFileValue.Delta(base: known.version.dot, manifest: changes)
      }
    }
    return changed(StoredFileValue(value, delta: delta))
  }

  func entry(_ key: [UInt8], _ summary: EntrySummary?, _ path: BytePath) throws(SoftadastraError) -> FileEntry? {
    guard summary != nil, let entry = try store.get(key) else { return nil }
    return try FileEntry(entry, at: path.description)
  }

  func hasLiveDescendants(_ path: BytePath) -> Bool {
    let below = StoreKey.file(folder, path) + [UInt8(ascii: "/")]
    return !store.list(prefix: below, after: nil, limit: 1).isEmpty
  }
}
