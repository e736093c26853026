internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// A peer's rename that is about to be done on disk.
///
/// | field   | form                   |
/// | ------- | ---------------------- |
/// | version | of the rename          |
/// | record  | the rest: `MoveRecord` |
struct MoveIntent: Sendable {
  let version: Version
  let record: MoveRecord

  func key(_ folder: FolderID) -> [UInt8] { StoreKey.moveIntent(folder, version.dot) }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.version(version)
    writer.raw(record.encoded())
    return writer.bytes
  }

  init(version: Version, record: MoveRecord) {
    self.version = version
    self.record = record
  }

  init(decoding bytes: [UInt8]) throws(CodingError) {
    self = try decode(bytes) { (reader: inout ByteReader) throws(CodingError) in
      let version = try reader.version()
      return MoveIntent(version: version, record: try MoveRecord(decoding: Array(try reader.raw(reader.remaining))))
    }
  }
}

/// Renames that a crash cut off between the disk and the record.
///
/// Nothing on the disk says who renamed a directory. Taken for somebody's work here it would be another version of
/// everything in it, beside the author's: so the intent is durable before the disk changes.
extension FolderMirror {
  private static let maxOpenMoves = 1024

  func begin(_ intent: MoveIntent) async throws(SoftadastraError) {
    let ticket = try store.commit([
      .put(key: intent.key(folder), value: intent.encoded(), version: nil, tag: 0, flags: 0)
    ])
    try await store.wait(ticket)
  }

  /// At start, before anything is looked at: what was renamed on disk gets its record, the rest was not done.
  func finishInterruptedMoves() async throws(SoftadastraError) {
    for (key, _) in store.list(prefix: StoreKey.moveIntentPrefix(folder), limit: Self.maxOpenMoves) {
      guard let entry = try store.get(key) else { continue }
      let intent: MoveIntent
      do throws(CodingError) {
        intent = try MoveIntent(decoding: entry.value)
      } catch {
        throw SoftadastraError(.damaged, "move intent", why: "\(error)", hint: "run softadastra wal verify")
      }
      let mutations = try await mutations(finishing: intent)
      try await store.wait(try store.commit(mutations + [.erase(key: key)]))
    }
  }

  private func mutations(finishing intent: MoveIntent) async throws(SoftadastraError) -> [Mutation] {
    let (from, to) = (intent.record.from, intent.record.to)
    let source = liveEntries(at: from)
    guard source.first?.0 == from, UInt64(source.count) == intent.record.count, liveEntries(at: to).isEmpty,
      moveDigest(source, below: from) == intent.record.digest,
      let value = (try? FileEntry(source[0].1.entry, at: from.description))?.value
    else { return [] }
    let volume = self.volume
    let (old, new) = try await pool.run { () throws(SoftadastraError) in
      (try volume.status(from), try volume.status(to))
    }
    guard old == nil, let status = new else { return [] }
    switch value.kind {
    case .directory:
      guard status.fingerprint == source[0].1.tag else { return [] }
      return moveMutations(source, from: from, to: to, version: intent.version, rootTag: status.fingerprint)
    case .file(let size, let modified, _):
      guard status.kind == .file, status.size == size, observer.held.shows(modified, as: status.modifiedNanoseconds)
      else { return [] }
      // The rename gave it another ctime: it is read before its fingerprint counts.
      return moveMutations(source, from: from, to: to, version: intent.version, rootTag: 0)
    case .symlink: return []
    }
  }
}
