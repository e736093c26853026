public import SoftadastraCore

/// What to do with a remote version of a key, given the local one. Pure; the same on every node.
///
/// It looks at versions and at whether either side is deleted; what equal or different *content* means is the
/// caller's business. `Mirror` refines `.concurrent` for files, directories and symlinks.
public enum ConflictRule {
  public enum Outcome: Sendable, Hashable {
    /// The local version is this very one. Its vector is joined with the remote's.
    case same
    /// The local version has seen the remote one: nothing to do.
    case superseded
    /// The remote version has seen the local one, or there is none.
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
    case .newer: return .superseded
    case .older: return .take
    case .concurrent:
      // Edit beats delete.
      if localDeleted != remoteDeleted { return localDeleted ? .remoteWins : .localWins }
      return remote.wins(over: local) ? .remoteWins : .localWins
    }
  }
}
