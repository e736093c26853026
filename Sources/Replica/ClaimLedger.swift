internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraSync

/// Which peers' claims about one space may be taken over, and what has to happen before.
///
/// | event                        | what follows                                                          |
/// | ---------------------------- | --------------------------------------------------------------------- |
/// | a peer asks what is here     | it gets everything, or only what has been in doubt since it last asked |
/// | it has said what is gone     | its survey is answered                                                |
/// | changes begin to be recorded | what is news is in doubt for every other peer that asked              |
/// | they are recorded            | also for those that asked meanwhile                                   |
/// | a peer sends a version       | it is not in doubt for that one any more                              |
/// | a peer claims something      | it is taken over, kept, or the peer is given a reason to ask          |
///
/// Pure. What is in doubt, and why: see `SurveyAccount`.
struct ClaimLedger {
  enum Verdict {
    case takeOver
    /// Until something else happens.
    case keep
    /// Keep it, and subscribe anew: that shows the peer what is not known here.
    case ask
  }

  private struct Standing {
    var account: SurveyAccount?
    var postponed: PostponedClaim?

    mutating func keep(_ claim: Watermark) {
      if postponed == nil { postponed = PostponedClaim(claim) } else { postponed?.merge(claim) }
    }
  }

  /// Changes that are being recorded, and the surveys that know of them.
  private struct Recording {
    let peer: NodeID
    let noted: Set<UInt64>
  }

  private let space: SpaceID
  private var standings: [NodeID: Standing] = [:]
  private var recordings: [UInt64: Recording] = [:]
  private var surveys: UInt64 = 0
  private var recordingCount: UInt64 = 0

  init(of space: SpaceID) { self.space = space }

  // MARK: Surveys

  /// Returns what the peer is to be told of; nil if of everything that is here.
  mutating func asked(by peer: NodeID, known: VersionVector) -> [SyncMessage.InventoryItem]? {
    surveys += 1
    if let doubtful = standings[peer]?.account?.askedAgain(number: surveys) { return doubtful }
    standings[peer, default: Standing()].account = SurveyAccount(known: known, number: surveys)
    return nil
  }

  mutating func answered(by peer: NodeID) { standings[peer]?.account?.answered() }

  /// What it said could not be carried out: it is to say everything again.
  mutating func surveyFailed(of peer: NodeID) { standings[peer]?.account = nil }

  mutating func forget(_ peer: NodeID) { standings[peer] = nil }

  // MARK: Changes

  /// Before changes of the peer are recorded. Returns their number among those under way.
  ///
  /// - Parameters:
  ///   - own: what had been applied here.
  ///   - isHere: whether a version is here already.
  mutating func began(
    _ changes: [Change], from peer: NodeID, own: @autoclosure () -> VersionVector, isHere: (Change) -> Bool
  ) -> UInt64 {
    let others = others(than: peer)
    // What was here when everything was listed is no news. Of a survey that goes on nobody knows what it has come to.
    note(changes, for: others.filter(\.account.isAnswered), own: own()) { !isHere($0) }
    note(changes, for: others.filter { !$0.account.isAnswered }, own: own()) { _ in true }
    recordingCount += 1
    recordings[recordingCount] = Recording(peer: peer, noted: Set(others.map(\.account.number)))
    return recordingCount
  }

  /// They are recorded, or some of them: a survey that began meanwhile may have listed what was here before.
  mutating func ended(_ recording: UInt64, _ changes: [Change], own: @autoclosure () -> VersionVector) {
    guard let recording = recordings.removeValue(forKey: recording) else { return }
    let late = others(than: recording.peer).filter { !recording.noted.contains($0.account.number) }
    note(changes, for: late, own: own()) { _ in true }
  }

  /// The peer has these versions itself.
  mutating func heard(_ changes: [Change], from peer: NodeID) {
    guard standings[peer]?.account != nil else { return }
    for change in changes { standings[peer]?.account?.heard(change.version, at: change.key) }
  }

  private typealias Surveyor = (node: NodeID, account: SurveyAccount)

  private func others(than peer: NodeID) -> [Surveyor] {
    standings.compactMap { node, standing in node == peer ? nil : standing.account.map { (node, $0) } }
  }

  private mutating func note(
    _ changes: [Change], for surveyors: [Surveyor], own: @autoclosure () -> VersionVector,
    where isNews: (Change) -> Bool
  ) {
    guard !surveyors.isEmpty else { return }
    let own = own()
    for change in changes where !own.covers(change.version.dot) && !isNobodysToDelete(change) {
      let doubting = surveyors.filter { $0.account.mayKnowMore(of: change.version.dot) }
      guard !doubting.isEmpty, isNews(change) else { continue }
      for surveyor in doubting {
        // What a move makes is not sent as well.
        if change.flags.contains(.move) { standings[surveyor.node]?.account?.tookMuch() }
        standings[surveyor.node]?.account?.took(change.version.dot, at: change.key)
      }
    }
  }

  /// Conflict copies, and what is marked otherwise: no peer's deletion reaches them.
  private func isNobodysToDelete(_ change: Change) -> Bool {
    if !change.flags.contains(.move), !change.flags.subtracting(.delta).isEmpty { return true }
    return StoreKey.path(ofFileKey: space.prefix + change.key).map { ConflictName.isConflictCopy($0) } ?? false
  }

  // MARK: Claims

  /// - Parameters:
  ///   - isHarmless: the claim takes in no deletion of which something may be here.
  ///   - canAsk: the peer is not being told of what is here.
  mutating func judge(
    _ claim: Watermark, of peer: NodeID, isHarmless: Bool, canAsk: Bool, now: UInt64
  ) -> Verdict {
    if isHarmless { return .takeOver }
    var standing = standings[peer] ?? Standing()
    if let account = standing.account, account.settles(claim.collected), !isUnnoted(by: account, of: peer) {
      return .takeOver
    }
    defer { standings[peer] = standing }
    let isSettled = standing.account?.settles(claim.collected) == true
    standing.keep(claim)
    // Where it only waits for what is being recorded there is nothing to ask.
    guard !isSettled, canAsk, let kept = standing.postponed, kept.isDue(now) else { return .keep }
    standing.postponed?.prompted(now)
    if standing.account?.reaches(kept.claim.collected) != true { standing.account = nil }
    return .ask
  }

  /// Changes that were under way when the survey began are not recorded yet: it may have missed them.
  private func isUnnoted(by account: SurveyAccount, of peer: NodeID) -> Bool {
    recordings.values.contains { $0.peer != peer && !$0.noted.contains(account.number) }
  }

  /// - Parameter own: what is known here, with the peer's claim.
  mutating func tookOver(from peer: NodeID, own: Watermark) {
    if standings[peer]?.account?.isSpent(own.applied) == true { standings[peer]?.account = nil }
    if standings[peer]?.postponed.map({ own.covers($0.claim) }) == true { standings[peer]?.postponed = nil }
  }

  func kept(of peer: NodeID) -> Watermark? { standings[peer]?.postponed?.claim }

  var kept: [(peer: NodeID, claim: Watermark)] {
    standings.compactMap { peer, standing in standing.postponed.map { (peer, $0.claim) } }
  }
}
