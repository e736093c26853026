public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraTransport

/// Conflicts and earlier versions while no node runs: what is changed on disk is taken in at the next start.
extension OfflineNode {
  private var watchedFolders: [WatchedFolder] { NodeSettings(store: files.store).folders() }

  private var conflictOperations: ConflictOperations {
    ConflictOperations(store: files.store, view: GroupView(files.store), folders: watchedFolders)
  }

  public func conflicts() async throws(SoftadastraError) -> [ConflictReport] { conflictOperations.list() }

  public func resolveConflict(_ path: [String], keep: String) async throws(SoftadastraError) {
    let choice = try ConflictOperations.choice(keep)
    try await beginWriting()
    switch try conflictOperations.find(path, keep: choice) {
    case .files(let folder, let conflicts):
      let volume = try volume(of: folder)
      for conflict in conflicts { try await resolve(conflict, choice, on: volume) }
    case .values(let lost):
      for value in lost { try await LostValues(store: files.store).resolve(value, keep: choice, with: values) }
    }
  }

  private func resolve(
    _ conflict: FileConflict, _ choice: ConflictChoice, on volume: LinuxVolume
  ) async throws(SoftadastraError) {
    switch choice {
    case .this: try ConflictResolution(volume: volume).keepThis(conflict)
    case .other: try ConflictResolution(volume: volume).keepOther(conflict)
    case .both:
      guard let mutation = FileConflicts.ordinary(conflict, in: files.store, author: files.identity.nodeID.tag) else {
        return
      }
      try await commit([mutation])
    }
  }

  public func removeFolder(_ name: String) async throws(SoftadastraError) {
    let folder = try PathFinding.folder(name, in: watchedFolders, names: GroupView(files.store).folders)
    try await commit([
      NodeSettings(store: files.store).folderRemoval(folder.id),
      GroupChange(store: files.store).takenRemoval(folder.id),
    ])
  }

  public func confirmDeletions(_ name: String) async throws(SoftadastraError) -> Int {
    throw needsNode("confirm deletions")
  }

  public func revertFolder(_ name: String) async throws(SoftadastraError) -> Int { throw needsNode("revert") }

  private var versionOperations: VersionOperations {
    VersionOperations(folders: watchedFolders, names: GroupView(files.store).folders)
  }

  public func versions(_ path: [String]) async throws(SoftadastraError) -> [VersionReport] {
    try versionOperations.list(path)
  }

  public func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport] {
    let plan = try versionOperations.plan(path, at: time)
    let volume = try volume(of: plan.folder)
    for version in plan.versions { try VersionRestoration(volume: volume).restore(version, to: version.path) }
    return versionOperations.reports(plan)
  }

  /// The folder's directory, if it is the one that was watched.
  func volume(of folder: WatchedFolder) throws(SoftadastraError) -> LinuxVolume {
    let volume = try LinuxVolume(root: folder.path)
    guard try FolderMarker.read(from: volume)?.folder == folder.id else {
      throw SoftadastraError(
        .notFound, "folder", at: folder.path, why: "its marker .softadastra/folder is gone: another disk, or none",
        hint: "mount it again")
    }
    try volume.prepareStaging()
    return volume
  }
}
