public import SoftadastraCore
public import SoftadastraStore
public import SoftadastraSync

/// The key-value space and the group's records: entries without files behind them.
extension Replicator {
  /// A commit ends with the value that exceeds this: small changes may rewrite large values that lie here.
  private static let commitBytes = 16 << 20

  /// Applies changes of the group or the key-value space, durably, with the cursor that covers them.
  public nonisolated(nonsending) func apply(
    _ changes: [Change], in space: SpaceID, cursor: Mutation?
  ) async throws(SoftadastraError) {
    let accepted = changes.filter { space != .group || hooks.accepts($0) }
    for change in accepted { store.observe(change.version.stamp) }
    var rest = accepted[...]
    var changesGroup = false
    defer { if changesGroup { hooks.groupChanged() } }
    repeat {
      var (decisions, next) = (Decisions(), rest)
      let ticket: CommitTicket?
      do throws(SoftadastraError) {
        ticket = try store.inOrder { () throws(SoftadastraError) in
          while let change = next.first, decisions.bytes < Self.commitBytes {
            try decide(change, in: space, &decisions)
            next.removeFirst()
          }
          // The cursor covers all of them: it goes with the last.
          let mutations = decisions.mutations + (cursor.map { next.isEmpty ? [$0] : [] } ?? [])
          return mutations.isEmpty ? nil : try store.commit(mutations, ifAll: decisions.conditions)
        }
      } catch {
        // Somebody here wrote one of the keys meanwhile: that write counts, so all is decided anew.
        guard error.code == .versionMismatch else { throw error }
        continue
      }
      rest = next
      changesGroup = changesGroup || (space == .group && !decisions.mutations.isEmpty)
      if let ticket { try await store.wait(ticket) }
      for key in decisions.conflicts { hooks.valueConflict(key) }
    } while !rest.isEmpty
  }

  /// What is to be written, on the condition that the entries looked at are still the same.
  private struct Decisions {
    var mutations: [Mutation] = []
    var conditions: [CommitCondition] = []
    var conflicts: [[UInt8]] = []
    /// Several changes of one key in one batch see each other.
    var entries: [[UInt8]: Entry] = [:]
    /// Of the values to be written.
    var bytes = 0
  }

  private func decide(
    _ change: Change, in space: SpaceID, _ decisions: inout Decisions
  ) throws(SoftadastraError) {
    let key = space.prefix + change.key
    let local: Entry?
    if let entry = decisions.entries[key] {
      local = entry
    } else {
      local = try store.get(key)
      decisions.conditions.append(CommitCondition(key: key, isStill: local))
    }
    func keep(_ value: [UInt8], _ isDeleted: Bool, _ version: Version) {
      decisions.bytes += value.count
      decisions.entries[key] = Entry(key: key, value: value, version: version, isDeleted: isDeleted, sequence: 0)
      decisions.mutations.append(
        isDeleted ? .delete(key: key, value: [], version: version) : .put(key: key, value: value, version: version))
    }
    // A value that lost against another one stays restorable. The record's tag is its stamp: when it was put.
    func loser(_ value: [UInt8], _ isDeleted: Bool, _ version: Version) {
      guard space == .values, !isDeleted, decisions.entries[key]?.value != value else { return }
      decisions.conflicts.append(change.key)
      decisions.bytes += value.count
      decisions.mutations.append(
        .put(key: StoreKey.lost(change.key, version.dot), value: value, version: nil, tag: version.stamp.rawValue))
    }
    guard let local, let version = local.version else { return keep(change.value, change.isDeleted, change.version) }
    switch ConflictRule.decide(
      local: version, localDeleted: local.isDeleted, remote: change.version, remoteDeleted: change.isDeleted)
    {
    case .same:
      let joined = version.absorbing(change.version)
      if joined != version { keep(local.value, local.isDeleted, joined) }
    case .superseded where version.covers(change.version): break
    case .superseded: keep(local.value, local.isDeleted, surviving(version, over: change.version))
    case .take: keep(change.value, change.isDeleted, surviving(change.version, over: version))
    case .remoteWins:
      keep(change.value, change.isDeleted, surviving(change.version, over: version))
      loser(local.value, local.isDeleted, version)
    case .localWins:
      keep(local.value, local.isDeleted, surviving(version, over: change.version))
      loser(change.value, change.isDeleted, change.version)
    }
  }

  private func surviving(_ survivor: Version, over loser: Version) -> Version {
    let joined = survivor.absorbing(loser)
    guard ConflictRule.mustRenew(survivor, over: loser) else { return joined }
    return store.newVersion(basedOn: joined.vector, author: author, origin: survivor.origin)
  }
}
