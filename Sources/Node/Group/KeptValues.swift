internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// This node's values while it leaves one group for another.
///
/// They are set aside in the commits that remove them from the old group (`GroupChange`), and put anew, as versions of the
/// new replica, once its start is recorded. A crash in between leaves them set aside: the next start puts them.
///
/// Key: `K`, the value's key. Value: the value.
struct KeptValues {
  private static let prefix = [Namespace.kept]
  private static let pageSize = 1024
  /// A commit ends with the value that exceeds this.
  static let commitBytes = 16 << 20

  let store: Store
  let author: AuthorTag

  /// - Parameter key: as the store has it, with its namespace.
  static func settingAside(_ key: [UInt8], _ value: [UInt8]) -> Mutation {
    .put(key: prefix + key.dropFirst(), value: value, version: nil)
  }

  /// Nil also for one that lies in a damaged part of the log: nobody can read it, and it must not keep a node from starting.
  static func readable(_ key: [UInt8], in store: Store) throws(SoftadastraError) -> Entry? {
    do throws(SoftadastraError) { return try store.get(key) } catch {
      guard error.code == .damaged else { throw error }
      return nil
    }
  }

  /// Durable when it returns. What was put meanwhile is newer, and stays.
  func putAnew() async throws(SoftadastraError) {
    while true {
      let ticket = try store.inOrder { () throws(SoftadastraError) -> CommitTicket? in
        var mutations: [Mutation] = []
        var bytes = 0
        for (kept, _) in store.list(prefix: Self.prefix, limit: Self.pageSize) where bytes < Self.commitBytes {
          mutations.append(.erase(key: kept))
          guard let entry = try Self.readable(kept, in: store) else { continue }
          bytes += entry.value.count
          let key = StoreKey.value(Array(kept.dropFirst()))
          guard try store.get(key) == nil else { continue }
          let version = store.newVersion(basedOn: VersionVector(), author: author)
          mutations.append(.put(key: key, value: entry.value, version: version))
        }
        return mutations.isEmpty ? nil : try store.commit(mutations)
      }
      guard let ticket else { return }
      try await store.wait(ticket)
    }
  }
}
