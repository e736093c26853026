internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// Changes of a peer that are being recorded, and the surveys that know of them.
struct ChangesUnderway {
  let space: SpaceID
  let peer: NodeID
  let noted: Set<UInt64>
}

/// Taking over what peers claim: see `SurveyAccount`.
extension Replicator {
  /// Everything that the peer's watermark tells of is applied here. It becomes ours, unless it includes deletions of which
  /// something may be here: then the peer is to ask first.
  func takeOver(_ claim: Watermark, of peer: NodeID, in space: SpaceID) {
    guard let account = peers[peer].map({ $0.accounts[space] }) else { return }
    let isHarmless = !claim.mayHaveForgotten(what: watermarkRecord(space).applied, by: store.replica)
    guard isHarmless || account?.settles(claim.collected) == true else {
      return postpone(claim, of: peer, in: space)
    }
    if !isHarmless, let account, isUnnoted(by: account, in: space, besides: peer) {
      // Soon it can be told whether that matters.
      peers[peer]?.postponed[space, default: PostponedClaim(claim)].merge(claim)
      return
    }
    mergeWatermark(space, claim)
    let own = watermarkRecord(space)
    if account?.isSpent(own.applied) == true { peers[peer]?.accounts[space] = nil }
    if peers[peer]?.postponed[space].map({ own.covers($0.claim) }) == true { peers[peer]?.postponed[space] = nil }
  }

  /// Changes that were under way when the survey began are not recorded yet: it may have missed them.
  private func isUnnoted(by account: SurveyAccount, in space: SpaceID, besides peer: NodeID) -> Bool {
    underway.values.contains { $0.space == space && $0.peer != peer && !$0.noted.contains(account.number) }
  }

  /// With each tick.
  func takeOverPostponed() {
    for (peer, state) in peers {
      for (space, postponed) in state.postponed { takeOver(postponed.claim, of: peer, in: space) }
    }
  }

  /// Subscribing anew shows the peer what is not known here. One with a damaged store asks nobody, and nothing of it is taken
  /// over.
  private func postpone(_ claim: Watermark, of peer: NodeID, in space: SpaceID) {
    guard let state = peers[peer] else { return }
    if case .folder(let id) = space, stoppedFolders.contains(id) { return }
    var postponed = state.postponed[space] ?? PostponedClaim(claim)
    postponed.merge(claim)
    defer { peers[peer]?.postponed[space] = postponed }
    let now = time.monotonicNanoseconds()
    // While it is being told of what is here it needs no reason.
    guard state.inventories[space] == nil, postponed.isDue(now), let known = engine.incomingKnown(peer, space) else {
      return
    }
    postponed.prompted(now)
    if state.accounts[space]?.reaches(postponed.claim.collected) != true { peers[peer]?.accounts[space] = nil }
    ask(peer, for: space, of: state.replica, since: known, nonce: state.nonce)
  }

  func forgetSurveys(of space: SpaceID, by peer: NodeID) {
    peers[peer]?.accounts[space] = nil
    peers[peer]?.postponed[space] = nil
    peers[peer]?.inventories[space] = nil
    peers[peer]?.surveyed.remove(space)
  }

  // MARK: What is in doubt

  /// Before changes are recorded: notes those that others may have forgotten the deletion of. Returns their number among
  /// those under way.
  func noteDoubtful(_ changes: [Change], in space: SpaceID, from peer: NodeID) -> UInt64 {
    let others = accounts(in: space, besides: peer)
    // What was here when everything was listed is no news. Of a survey that goes on nobody knows what it has come to.
    let answered = others.filter(\.isAnswered)
    let asking = others.filter { !$0.isAnswered }
    if !answered.isEmpty { note(changes, in: space, answered) { !self.isHereAnyway($0, in: space) } }
    if !asking.isEmpty { note(changes, in: space, asking) { _ in true } }
    underwayCount += 1
    underway[underwayCount] = ChangesUnderway(space: space, peer: peer, noted: Set(others.map(\.number)))
    return underwayCount
  }

  /// Once they are recorded, or some of them: a survey that began meanwhile may have listed what was here before.
  func noteRecorded(_ changes: [Change], in space: SpaceID, from peer: NodeID, _ number: UInt64) {
    guard let noted = underway.removeValue(forKey: number)?.noted else { return }
    let others = accounts(in: space, besides: peer).filter { !noted.contains($0.number) }
    if !others.isEmpty { note(changes, in: space, others) { _ in true } }
  }

  /// Once all are recorded: the peer has these.
  func noteHeard(_ changes: [Change], in space: SpaceID, from peer: NodeID) {
    guard peers[peer]?.accounts[space] != nil else { return }
    for change in changes { peers[peer]?.accounts[space]?.heard(change.version, at: change.key) }
  }

  private typealias Surveyor = (node: NodeID, number: UInt64, isAnswered: Bool)

  private func accounts(in space: SpaceID, besides peer: NodeID) -> [Surveyor] {
    peers.compactMap { node, state in
      node == peer ? nil : state.accounts[space].map { (node, $0.number, $0.isAnswered) }
    }
  }

  private func note(
    _ changes: [Change], in space: SpaceID, _ others: [Surveyor], where isNews: (Change) -> Bool
  ) {
    let own = watermarkRecord(space).applied
    for change in changes where !own.covers(change.version.dot) {
      let dot = change.version.dot
      let isMove = change.flags.contains(.move)
      guard isMove || change.flags.subtracting(.delta).isEmpty, !isCopy(change, in: space) else { continue }
      let doubting = others.filter { peers[$0.node]?.accounts[space]?.mayKnowMore(of: dot) ?? false }
      guard !doubting.isEmpty, isNews(change) else { continue }
      for other in doubting.map(\.node) {
        // What it makes is not sent as well.
        if isMove { peers[other]?.accounts[space]?.tookMuch() }
        peers[other]?.accounts[space]?.took(dot, at: change.key)
      }
    }
  }

  /// Conflict copies nobody deletes for others.
  private func isCopy(_ change: Change, in space: SpaceID) -> Bool {
    StoreKey.path(ofFileKey: space.prefix + change.key).map { ConflictName.isConflictCopy($0) } ?? false
  }

  private func isHereAnyway(_ change: Change, in space: SpaceID) -> Bool {
    let key = space.prefix + change.key
    if store.summary(key)?.dot == change.version.dot { return true }
    guard case .folder(let folder) = space, let path = StoreKey.path(ofFileKey: key) else { return false }
    return store.summary(StoreKey.remote(folder, path, change.version.dot)) != nil
  }
}
