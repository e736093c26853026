import SoftadastraCore
import SoftadastraSync
import Testing

@testable import SoftadastraReplica

/// Two peers and one space: `a` claims, `b` sends.
@Suite struct ClaimLedgerTests {
  private static let nodes = (1...2).map { NodeID(bytes: [UInt8](repeating: UInt8($0), count: 32))! }
  private static let (a, b) = (nodes[0], nodes[1])
  private static let author = ReplicaID(rawValue: 9)
  private static let second: UInt64 = 1_000_000_000

  /// All that `a` knew when it asked, and what it has forgotten of it.
  private let known = VersionVector([Dot(replica: author, counter: 10)])
  private let claim = Watermark(
    applied: VersionVector([Dot(replica: author, counter: 20)]),
    collected: VersionVector([Dot(replica: author, counter: 5)]))

  private func change(_ counter: UInt64, at key: UInt8 = 1, flags: Change.Flags = []) -> Change {
    let dot = Dot(replica: Self.author, counter: counter)
    return Change(
      sequence: counter, key: [key],
      version: Version(
        vector: VersionVector([dot]), dot: dot, stamp: HybridTimestamp(rawValue: 1), author: AuthorTag(rawValue: 1)),
      flags: flags, value: [7])
  }

  private func began(_ ledger: inout ClaimLedger, _ changes: [Change], from peer: NodeID, isHere: Bool = false)
    -> UInt64
  {
    ledger.began(changes, from: peer, own: VersionVector()) { _ in isHere }
  }

  private func judge(
    _ ledger: inout ClaimLedger, isHarmless: Bool = false, canAsk: Bool = true, now: UInt64 = 1
  ) -> ClaimLedger.Verdict {
    ledger.judge(claim, of: Self.a, isHarmless: isHarmless, canAsk: canAsk, now: now)
  }

  private func answered() -> ClaimLedger {
    var ledger = ClaimLedger(of: .values)
    #expect(ledger.asked(by: Self.a, known: known) == nil)
    ledger.answered(by: Self.a)
    return ledger
  }

  @Test func whatForgetsNothingIsTakenOverAtOnce() {
    var ledger = ClaimLedger(of: .values)
    #expect(judge(&ledger, isHarmless: true) == .takeOver)
    #expect(ledger.kept.isEmpty)
  }

  @Test func whoHasNotAskedIsGivenAReasonAndThenWaitedFor() {
    var ledger = ClaimLedger(of: .values)
    #expect(judge(&ledger) == .ask)
    #expect(judge(&ledger) == .keep)
    #expect(ledger.kept(of: Self.a) == claim)
    // While it is being told of what is here it needs no reason.
    #expect(ledger.asked(by: Self.a, known: known) == nil)
    #expect(judge(&ledger, canAsk: false, now: 100 * Self.second) == .keep)
    ledger.answered(by: Self.a)
    #expect(judge(&ledger) == .takeOver)
    ledger.tookOver(from: Self.a, own: claim)
    #expect(ledger.kept.isEmpty)
    // What the survey could vouch for is known here by now.
    #expect(judge(&ledger) == .ask)
  }

  @Test func aClaimWaitsForWhatWasUnderWayWhenThePeerAsked() {
    var ledger = ClaimLedger(of: .values)
    let recording = began(&ledger, [change(3)], from: Self.b)
    #expect(ledger.asked(by: Self.a, known: known) == nil)
    ledger.answered(by: Self.a)
    // The survey may have come too early to list it; there is nothing to ask yet.
    #expect(judge(&ledger) == .keep)
    #expect(judge(&ledger, now: 100 * Self.second) == .keep)
    ledger.ended(recording, [change(3)], own: VersionVector())
    #expect(judge(&ledger) == .ask)
    // Asked again it is told of that alone.
    #expect(ledger.asked(by: Self.a, known: known)?.map(\.dot.counter) == [3])
    #expect(judge(&ledger, canAsk: false) == .keep)
    ledger.answered(by: Self.a)
    #expect(judge(&ledger) == .takeOver)
  }

  @Test func whatBeganAfterTheSurveyIsInDoubtBeforeItIsRecorded() {
    var ledger = answered()
    let recording = began(&ledger, [change(3)], from: Self.b)
    #expect(judge(&ledger) == .ask)
    ledger.ended(recording, [change(3)], own: VersionVector())
    #expect(ledger.asked(by: Self.a, known: known)?.map(\.dot.counter) == [3])
  }

  @Test func whatThePeerItselfSendsIsInDoubtForOthersOnly() {
    var ledger = answered()
    #expect(ledger.asked(by: Self.b, known: known) == nil)
    ledger.answered(by: Self.b)
    let recording = began(&ledger, [change(3)], from: Self.a)
    ledger.ended(recording, [change(3)], own: VersionVector())
    #expect(judge(&ledger) == .takeOver)
    #expect(ledger.judge(claim, of: Self.b, isHarmless: false, canAsk: true, now: 1) == .ask)
    // Also while it is still being recorded.
    let next = began(&ledger, [change(4, at: 2)], from: Self.a)
    #expect(judge(&ledger) == .takeOver)
    ledger.ended(next, [change(4, at: 2)], own: VersionVector())
    #expect(ledger.asked(by: Self.b, known: known)?.map(\.dot.counter).sorted() == [3, 4])
  }

  @Test func whatIsNoNewsIsNotInDoubt() {
    var ledger = answered()
    let here = began(&ledger, [change(3)], from: Self.b, isHere: true)
    ledger.ended(here, [change(3)], own: VersionVector())
    let copy = began(&ledger, [change(4, flags: .conflictCopy)], from: Self.b)
    ledger.ended(copy, [change(4, flags: .conflictCopy)], own: VersionVector())
    let unknown = began(&ledger, [change(11)], from: Self.b)
    ledger.ended(unknown, [change(11)], own: VersionVector())
    let applied = ledger.began([change(5)], from: Self.b, own: known) { _ in false }
    ledger.ended(applied, [change(5)], own: known)
    #expect(judge(&ledger) == .takeOver)
    // A survey that goes on may have passed what was here.
    #expect(ledger.asked(by: Self.a, known: known)?.isEmpty == true)
    let listed = began(&ledger, [change(3)], from: Self.b, isHere: true)
    ledger.ended(listed, [change(3)], own: VersionVector())
    ledger.answered(by: Self.a)
    #expect(judge(&ledger) == .ask)
  }

  @Test func aMoveAsksForEverything() {
    var ledger = answered()
    let recording = began(&ledger, [change(3, flags: .move)], from: Self.b)
    ledger.ended(recording, [change(3, flags: .move)], own: VersionVector())
    #expect(judge(&ledger) == .ask)
    #expect(ledger.asked(by: Self.a, known: known) == nil)
  }

  @Test func aSurveyThatFailedIsNoAnswer() {
    var ledger = answered()
    ledger.surveyFailed(of: Self.a)
    ledger.answered(by: Self.a)
    #expect(judge(&ledger) == .ask)
    #expect(ledger.asked(by: Self.a, known: known) == nil)
  }

  @Test func whatAPeerSentBeforeItWentIsWaitedForWithoutIt() {
    var ledger = ClaimLedger(of: .values)
    let recording = began(&ledger, [change(3)], from: Self.b)
    #expect(ledger.asked(by: Self.a, known: known) == nil)
    ledger.answered(by: Self.a)
    ledger.forget(Self.b)
    #expect(judge(&ledger) == .keep)
    ledger.ended(recording, [change(3)], own: VersionVector())
    #expect(judge(&ledger) == .ask)
    // And who goes itself has nothing kept.
    ledger.forget(Self.a)
    #expect(ledger.kept.isEmpty)
  }
}
