internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// Takes a store from a replica whose history forked to the one it has now.
///
/// What the old replica wrote before the fork is common history and stays. What it wrote since is issued again under
/// the new replica, as an edit concurrent to whatever the other branch made of the same names. Nothing else refers to
/// the old counters afterwards, so that the other branch's versions of the same name are news here. An interruption
/// leaves a part to be done: the mark stays until the last step.
struct ForkHealing {
  private static let pageSize = 512
  /// A commit ends behind the value with which it reaches this.
  private static let commitBytes = 4 << 20

  let store: Store
  let mark: ForkMark
  let author: AuthorTag

  func run() async throws(SoftadastraError) {
    for namespace in [Namespace.group, Namespace.values, Namespace.file] { try await reissue(namespace) }
    var mutations = try watermarks()
    // Feeds are read again from their beginnings: what was passed over in them as our own may be the other branch's.
    for key in keys(of: [Namespace.cursor]) { mutations.append(.erase(key: key)) }
    mutations.append(ForkMark.removal)
    try await store.wait(try store.commit(mutations))
  }

  private func reissue(_ namespace: UInt8) async throws(SoftadastraError) {
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: [namespace], after: after, limit: Self.pageSize, includeDeleted: true)
      // Read and committed in one step: what somebody puts meanwhile is not overwritten.
      let ticket = try store.inOrder { () throws(SoftadastraError) -> CommitTicket? in
        var mutations: [Mutation] = []
        var bytes = 0
        for (key, _) in page where bytes < Self.commitBytes {
          after = key
          guard let entry = try store.get(key), let version = entry.version,
            version.vector[mark.replica] >= mark.counter
          else { continue }
          mutations.append(try healed(entry, version))
          bytes += entry.value.count
        }
        return mutations.isEmpty ? nil : try store.commit(mutations)
      }
      if let ticket { try await store.wait(ticket) }
      guard let last = page.last, page.count == Self.pageSize || after != last.key else { return }
    }
  }

  private func healed(_ entry: Entry, _ version: Version) throws(SoftadastraError) -> Mutation {
    let seen = version.vector.cutting(mark.replica, to: mark.counter - 1)
    let isOurs = version.dot.replica == mark.replica && version.dot.counter >= mark.counter
    // A hint, and the other branch's business: dropped.
    if isOurs, StoreKey.isMove(entry.key) || entry.key == StartRecord.storeKey(mark.replica) {
      return .erase(key: entry.key)
    }
    let new =
      isOurs
      ? store.newVersion(basedOn: seen, author: author)
      : Version(
        vector: seen, dot: version.dot, stamp: version.stamp, author: version.author,
        origin: seen.covers(version.origin) ? version.origin : nil)
    var flags = Change.Flags(rawValue: entry.flags)
    // Under its new version it is a file like any other.
    if isOurs { flags.remove(.conflictCopy) }
    if entry.isDeleted {
      return .delete(key: entry.key, value: entry.value, version: new, tag: entry.tag, flags: flags.rawValue)
    }
    return .put(
      key: entry.key, value: try withoutForkedDelta(entry), version: new, tag: entry.tag, flags: flags.rawValue)
  }

  /// A delta against a version of the forked part might be taken for one against the other branch's.
  private func withoutForkedDelta(_ entry: Entry) throws(SoftadastraError) -> [UInt8] {
    guard entry.key.first == Namespace.file, !StoreKey.isMove(entry.key) else { return entry.value }
    do {
      let stored = try StoredFileValue(decoding: entry.value)
      guard let base = stored.delta?.base, base.replica == mark.replica, base.counter >= mark.counter else {
        return entry.value
      }
      return StoredFileValue(stored.value).encoded()
    } catch {
      throw SoftadastraError(
        .damaged, "file entry", at: BytePath.escape(entry.key), why: "\(error)", hint: "run softadastra wal verify")
    }
  }

  /// Of the old replica everything up to the fork is here, in every space, and nothing beyond.
  private func watermarks() throws(SoftadastraError) -> [Mutation] {
    var spaces: Set<[UInt8]> = [SpaceID.group.prefix, SpaceID.values.prefix]
    for folder in folders() { spaces.insert(folder) }
    for key in keys(of: [Namespace.watermark]) { spaces.insert(Array(key.dropFirst())) }
    var mutations: [Mutation] = []
    for space in spaces.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let key = [Namespace.watermark] + space
      var watermark = Watermark()
      if let entry = try store.get(key) {
        watermark =
          (try? decode(entry.value) { (r: inout ByteReader) throws(CodingError) in try r.watermark() }) ?? watermark
      }
      watermark.applied = watermark.applied.cutting(mark.replica, to: mark.counter - 1)
      watermark.applied.add(Dot(replica: mark.replica, counter: mark.counter - 1))
      watermark.collected = watermark.collected.cutting(mark.replica, to: mark.counter - 1)
      var writer = ByteWriter()
      writer.watermark(watermark)
      mutations.append(.put(key: key, value: writer.bytes, version: nil))
    }
    return mutations
  }

  /// Prefixes of the folders that have entries.
  private func folders() -> [[UInt8]] {
    var found: [[UInt8]] = []
    var after: [UInt8]?
    while let (key, _) = store.list(prefix: [Namespace.file], after: after, limit: 1, includeDeleted: true).first {
      let prefix = Array(key.prefix(9))
      found.append(prefix)
      // Behind everything that begins like this: no mark of a key is 0xFF.
      after = prefix + [0xFF]
    }
    return found
  }

  private func keys(of prefix: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    while true {
      let page = store.list(prefix: prefix, after: found.last, limit: Self.pageSize)
      found += page.map(\.key)
      if page.count < Self.pageSize { return found }
    }
  }
}
