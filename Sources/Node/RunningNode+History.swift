public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror

/// Conflicts and earlier versions on a running node.
extension RunningNode {
  public func conflicts() async throws(SoftadastraError) -> [ConflictReport] {
    let operations = await core.conflictOperations
    return await core.pool.run { operations.list() }
  }

  public func removeFolder(_ name: String) async throws(SoftadastraError) { try await core.removeFolder(name) }

  public func confirmDeletions(_ name: String) async throws(SoftadastraError) -> Int {
    try await core.confirmDeletions(name)
  }

  public func revertFolder(_ name: String) async throws(SoftadastraError) -> Int { try await core.revertFolder(name) }

  public func versions(_ path: [String]) async throws(SoftadastraError) -> [VersionReport] {
    let operations = await core.versionOperations
    return try await core.pool.run { () throws(SoftadastraError) in try operations.list(path) }
  }

  public func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport] {
    try await core.restore(path, at: time)
  }

  public func resolveConflict(_ path: [String], keep: String) async throws(SoftadastraError) {
    try await core.resolveConflict(path, keep: try ConflictOperations.choice(keep))
  }
}
