internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror

/// What people ask of folders and values that have a past: conflicts, earlier versions.
extension NodeCore {
  var watchedFolders: [WatchedFolder] { NodeSettings(store: store).folders() }

  var conflictOperations: ConflictOperations {
    ConflictOperations(store: store, view: view, folders: watchedFolders)
  }

  func resolveConflict(_ path: [String], keep choice: ConflictChoice) async throws(SoftadastraError) {
    let operations = conflictOperations
    let found = try await pool.run { () throws(SoftadastraError) in try operations.find(path, keep: choice) }
    switch found {
    case .files(let folder, let conflicts):
      guard let handle = folders[folder.id] else { throw stopped(folder) }
      for conflict in conflicts { try await handle.mirror.resolve(conflict, keep: choice) }
    case .values(let lost):
      let values = ValueOperations(store: store, author: author)
      for value in lost { try await LostValues(store: store).resolve(value, keep: choice, with: values) }
    }
  }

  var versionOperations: VersionOperations { VersionOperations(folders: watchedFolders, names: view.folders) }

  func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport] {
    let operations = versionOperations
    let plan = try await pool.run { () throws(SoftadastraError) in try operations.plan(path, at: time) }
    guard let handle = folders[plan.folder.id] else { throw stopped(plan.folder) }
    let restoration = VersionRestoration(volume: handle.volume)
    try await pool.run { () throws(SoftadastraError) in
      for version in plan.versions { try restoration.restore(version, to: version.path) }
    }
    await handle.mirror.takeIn(plan.versions.map(\.path))
    return operations.reports(plan)
  }

  /// The error of what needs a folder at work.
  func stopped(_ folder: WatchedFolder) -> SoftadastraError {
    let reason = stoppedFolders[folder.id]?.error
    return SoftadastraError(
      .notFound, "folder", at: folder.path, why: "it is stopped: \(reason?.why ?? "it is not running")",
      hint: reason?.hint ?? "softadastra status says why")
  }
}
