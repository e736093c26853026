public import SoftadastraCore
internal import SoftadastraSync

/// What becomes of one path, given its synced entry and a remote one: a pure function, the same on every node.
///
/// The third tree, the disk, is taken in beforehand: a local change is recorded as a version before anything remote is
/// applied at its path, and applying checks once more that the disk still holds the synced entry.
///
/// | local              | remote             | concurrent: outcome                                             |
/// | ------------------ | ------------------ | --------------------------------------------------------------- |
/// | deleted            | deleted            | the winner's tombstone                                          |
/// | live               | deleted            | local stays (edit beats delete)                                 |
/// | deleted            | live               | remote is applied                                               |
/// | same content       | same content       | the winner's mode and mtime; no copy                            |
/// | directory          | file or symlink    | the directory keeps the name, the other becomes a copy          |
/// | file or symlink    | file or symlink    | the winner keeps the name, the other becomes a copy             |
///
/// Where versions are not concurrent the newer one (`Version.compare`) is taken or kept, unless it is only what a power
/// loss left of the older one (`FileEntry.isLost`). The survivor always absorbs the other's vector.
public enum Reconciler {
  public enum Decision: Sendable, Hashable {
    /// Nothing to do on disk; the synced entry becomes this one if it is not nil (a joined vector).
    case keep(FileEntry?)
    /// Make the disk hold this entry. `copy`: the local content moves to the copy's path first, as this entry.
    case apply(FileEntry, copy: Copy?)
    /// The local entry stays, absorbing the remote's vector; the remote content is wanted at the copy's path.
    case keepLocal(FileEntry, copy: Copy)
    /// What lives below keeps the directory; a new version of it says so to everybody, having seen both (`seen`).
    /// The remote content is wanted at the copy's path.
    case directoryStays(FileEntry?, seen: VersionVector, copy: Copy)
  }

  /// A conflict copy: the loser with its own version, under the name that every node derives.
  public struct Copy: Sendable, Hashable {
    public let path: BytePath
    public let entry: FileEntry
  }

  /// - Parameter isImplicitDirectory: the path has live descendants here, whatever its own entry says.
  public static func decide(
    path: BytePath, local: FileEntry?, isImplicitDirectory: Bool, remote: FileEntry
  ) -> Decision {
    if isImplicitDirectory, let kept = decideForImplicitDirectory(path: path, local: local, remote: remote) {
      return kept
    }
    let outcome = ConflictRule.decide(
      local: local?.version, localDeleted: local?.isDeleted ?? true, remote: remote.version,
      remoteDeleted: remote.isDeleted)
    guard let local else { return .apply(remote, copy: nil) }
    switch outcome {
    case .same:
      let joined = local.version.absorbing(remote.version)
      return .keep(joined == local.version ? nil : local.with(joined))
    case .superseded where local.version.covers(remote.version): return .keep(nil)
    case .superseded: return .keep(local.with(local.version.absorbing(remote.version)))
    case .take where outlives(local, remote): return .keep(local.with(local.version.absorbing(remote.version)))
    case .take: return .apply(remote.with(remote.version.absorbing(local.version)), copy: nil)
    case .remoteWins, .localWins: return decideConcurrent(path: path, local, remote, remoteWins: outcome == .remoteWins)
    }
  }

  /// The bytes that a power loss took from the remote's author are here, or at least later ones than it has left.
  private static func outlives(_ local: FileEntry, _ remote: FileEntry) -> Bool {
    guard remote.isLost, let value = local.value else { return false }
    guard let left = remote.value else { return true }
    return !value.hasSameContent(as: left) && value.modifiedNanoseconds > left.modifiedNanoseconds
  }

  /// One deleted what the other, who did not know of it, edited.
  static func isEditAgainstDeletion(_ a: FileEntry, _ b: FileEntry) -> Bool {
    a.isDeleted != b.isDeleted && a.version.compare(b.version) == .concurrent
  }

  private static func decideConcurrent(
    path: BytePath, _ local: FileEntry, _ remote: FileEntry, remoteWins: Bool
  ) -> Decision {
    let keptLocal = local.with(local.version.absorbing(remote.version))
    let takenRemote = remote.with(remote.version.absorbing(local.version))
    guard let localValue = local.value, let remoteValue = remote.value,
      !localValue.hasSameContent(as: remoteValue)
    else {
      // Deleted on one side or both, or the same bytes: nothing is lost either way.
      return remoteWins ? .apply(takenRemote, copy: nil) : .keep(keptLocal)
    }
    let remoteKeepsName =
      localValue.isDirectory != remoteValue.isDirectory ? remoteValue.isDirectory : remoteWins
    if DeliberateFault.copyLeftOut.isOn { return remoteWins ? .apply(takenRemote, copy: nil) : .keep(keptLocal) }
    if remoteKeepsName {
      return .apply(takenRemote, copy: copy(of: local, localValue, at: path))
    }
    return .keepLocal(keptLocal, copy: copy(of: remote, remoteValue, at: path))
  }

  /// A directory that exists because something below it does keeps its name against files and deletions.
  private static func decideForImplicitDirectory(
    path: BytePath, local: FileEntry?, remote: FileEntry
  ) -> Decision? {
    guard let remoteValue = remote.value else { return nil }
    if remoteValue.isDirectory { return nil }
    if let local, local.version.covers(remote.version) { return nil }
    // What is below may be on its way out in the same feed: a newer file over a directory that we hold as live waits
    // for the descendants' deletions (the caller orders deletions first); here something else keeps them alive.
    var seen = remote.version.vector
    if let local { seen.merge(local.version.vector) }
    return .directoryStays(local, seen: seen, copy: copy(of: remote, remoteValue, at: path))
  }

  private static func copy(of loser: FileEntry, _ value: FileValue, at path: BytePath) -> Copy {
    let name = ConflictName.path(for: path, loser: value, by: loser.version.author)
    return Copy(path: name, entry: FileEntry(version: loser.version, stored: loser.stored, isConflictCopy: true))
  }
}

extension FileEntry {
  func with(_ version: Version) -> FileEntry {
    var copy = self
    copy.version = version
    return copy
  }
}
