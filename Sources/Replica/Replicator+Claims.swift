internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// Taking over what peers claim: see `ClaimLedger`.
extension Replicator {
  /// Everything that the peer's watermark tells of is applied here. It becomes ours, unless it includes deletions of which
  /// something may be here: then the peer is to ask first. One with a damaged store asks nobody, and nothing of it is taken
  /// over.
  func takeOver(_ claim: Watermark, of peer: NodeID, in space: SpaceID) {
    guard let state = peers[peer] else { return }
    let isHarmless = !claim.mayHaveForgotten(what: watermarkRecord(space).applied, by: store.replica)
    if !isHarmless, case .folder(let id) = space, stoppedFolders.contains(id) { return }
    let known = state.inventories[space] == nil ? engine.incomingKnown(peer, space) : nil
    let verdict = claims[space, default: ClaimLedger(of: space)].judge(
      claim, of: peer, isHarmless: isHarmless, canAsk: known != nil, now: time.monotonicNanoseconds())
    switch (verdict, known) {
    case (.takeOver, _):
      mergeWatermark(space, claim)
      claims[space]?.tookOver(from: peer, own: watermarkRecord(space))
    case (.ask, let known?): ask(peer, for: space, of: state.replica, since: known, nonce: state.nonce)
    case (.ask, nil), (.keep, _): break
    }
  }

  /// With each tick.
  func takeOverPostponed() {
    for (space, ledger) in claims { for (peer, claim) in ledger.kept { takeOver(claim, of: peer, in: space) } }
  }

  /// Its session is over.
  func forgetClaims(of peer: NodeID) { for space in claims.keys { claims[space]?.forget(peer) } }

  func forgetSurveys(of space: SpaceID, by peer: NodeID) {
    claims[space]?.forget(peer)
    peers[peer]?.inventories[space] = nil
    peers[peer]?.surveyed.remove(space)
  }

  // MARK: What is in doubt

  /// Before changes are recorded. Returns their number among those under way.
  func recordingBegins(_ changes: [Change], in space: SpaceID, from peer: NodeID) -> UInt64 {
    claims[space, default: ClaimLedger(of: space)]
      .began(changes, from: peer, own: watermarkRecord(space).applied) { isHere($0, in: space) }
  }

  /// Once they are recorded, or some of them.
  func recordingEnded(_ recording: UInt64, _ changes: [Change], in space: SpaceID) {
    claims[space]?.ended(recording, changes, own: watermarkRecord(space).applied)
  }

  private func isHere(_ change: Change, in space: SpaceID) -> Bool {
    let key = space.prefix + change.key
    if store.summary(key)?.dot == change.version.dot { return true }
    guard case .folder(let folder) = space, let path = StoreKey.path(ofFileKey: key) else { return false }
    return store.summary(StoreKey.remote(folder, path, change.version.dot)) != nil
  }
}
