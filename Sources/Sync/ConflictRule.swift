public import SoftadastraCore

/// What to do with a remote version of a key, given the local one. Pure; the same on every node.
///
/// It looks at versions and at whether either side is deleted; what equal or different *content* means is the
/// caller's business. `Mirror` refines `.concurrent` for files, directories and symlinks.
///
/// Every node must come to the same end whatever the order in which it hears of three or more versions. What makes that
/// sure: *a version's vector covers only dots with earlier stamps than its own.* The total order keeps it by itself.
/// Where something else decides (an edit beats a deletion, a directory keeps its name) and the survivor has the earlier
/// stamp, the survivor gets a version of its own that has seen both: `mustRenew`. It keeps its origin, so that whoever had
/// seen the content and edits or deletes it meanwhile is not taken for somebody who did not know of it.
public enum ConflictRule {
  /// Whether a survivor that takes over the loser's vector needs a new version for it.
  public static func mustRenew(_ survivor: Version, over loser: Version) -> Bool {
    survivor.dot != loser.dot && !survivor.wins(over: loser) && !DeliberateFault.renewalLeftOut.isOn
  }

  public enum Outcome: Sendable, Hashable {
    /// The local version is this very one. Its vector is joined with the remote's.
    case same
    /// The local version has seen the remote one, or at least its content: nothing to do but to cover it.
    case superseded
    /// The remote version has seen the local one, or at least its content, or there is none.
    case take
    /// Neither has seen the other, and the remote one wins: it is taken, absorbing the local vector.
    case remoteWins
    /// Neither has seen the other, and the local one wins: it stays, absorbing the remote vector.
    case localWins
  }

  public static func decide(
    local: Version?, localDeleted: Bool, remote: Version, remoteDeleted: Bool
  ) -> Outcome {
    guard let local else { return .take }
    switch local.compare(remote) {
    case .same: return .same
    case .newer: return DeliberateFault.oldVersionTaken.isOn ? .take : .superseded
    case .older: return .take
    case .concurrent where DeliberateFault.tieBrokenLocally.isOn: return .localWins
    case .concurrent:
      // Edit beats delete.
      if localDeleted != remoteDeleted, !DeliberateFault.deletionBeatsEdit.isOn {
        return localDeleted ? .remoteWins : .localWins
      }
      return remote.wins(over: local) ? .remoteWins : .localWins
    }
  }
}
