import SoftadastraCore
import SoftadastraSync
import Testing

@testable import SoftadastraReplica

@Suite struct SurveyAccountTests {
  private static let (a, b) = (ReplicaID(rawValue: 1), ReplicaID(rawValue: 2))
  private let known = VersionVector([Dot(replica: a, counter: 10), Dot(replica: b, counter: 5)])
  private let collected = VersionVector([Dot(replica: b, counter: 5)])
  private let key: [UInt8] = [7]

  private func dot(_ replica: ReplicaID, _ counter: UInt64) -> Dot { Dot(replica: replica, counter: counter) }

  private func version(_ dots: Dot...) -> Version {
    Version(
      vector: VersionVector(dots), dot: dots[0], stamp: HybridTimestamp(rawValue: 1), author: AuthorTag(rawValue: 1))
  }

  private func answered() -> SurveyAccount {
    var account = SurveyAccount(known: known, number: 1)
    account.answered()
    return account
  }

  @Test func onlyAnAnsweredSurveySettles() {
    var account = SurveyAccount(known: known, number: 1)
    #expect(!account.settles(collected))
    account.answered()
    #expect(account.settles(collected))
    // More is forgotten than when it was asked.
    #expect(!account.settles(VersionVector([dot(Self.b, 6)])))
    #expect(!account.reaches(VersionVector([dot(Self.b, 6)])))
  }

  @Test func whatComesFromOthersIsInDoubtUntilThePeerHasItToo() {
    var account = answered()
    // What the peer did not know when it asked it has not forgotten either.
    account.took(dot(Self.a, 11), at: key)
    #expect(account.settles(collected))
    account.took(dot(Self.a, 3), at: key)
    account.took(dot(Self.a, 3), at: key)
    account.took(dot(Self.b, 2), at: key)
    #expect(!account.settles(collected) && account.reaches(collected))
    account.heard(version(dot(Self.a, 4)), at: [8])
    account.heard(version(dot(Self.a, 4)), at: key)
    #expect(!account.settles(collected))
    account.heard(version(dot(Self.b, 3)), at: key)
    #expect(account.settles(collected))
  }

  @Test func theSecondSurveyIsAboutWhatIsInDoubt() {
    var account = answered()
    account.took(dot(Self.a, 3), at: key)
    #expect(account.askedAgain(number: 2) == [SyncMessage.InventoryItem(key: key, dot: dot(Self.a, 3))])
    #expect(account.number == 2 && !account.settles(collected))
    // Not answered yet: now everything would have to be told again.
    #expect(account.askedAgain(number: 3) == nil && account.number == 2)
    account.took(dot(Self.a, 4), at: key)
    account.answered()
    #expect(!account.settles(collected))
    #expect(account.askedAgain(number: 4)?.map(\.dot) == [dot(Self.a, 4)])
    account.answered()
    #expect(account.settles(collected))
  }

  @Test func whatIsTooMuchToListIsToldAgainAsAWhole() {
    for isMany in [false, true] {
      var account = answered()
      if isMany {
        for number in 0...UInt64(SurveyAccount.maxDoubtful) {
          account.took(dot(Self.a, 1), at: withUnsafeBytes(of: number) { Array($0) })
        }
      } else {
        account.tookMuch()
      }
      #expect(!account.settles(collected) && !account.reaches(collected))
      #expect(account.askedAgain(number: 2) == nil)
    }
  }

  @Test func aClaimThatWaitsIsAReasonLessAndLessOften() {
    var postponed = PostponedClaim(Watermark(applied: known, collected: collected))
    let second: UInt64 = 1_000_000_000
    var (now, pauses): (UInt64, [UInt64]) = (5, [])
    for _ in 0..<9 {
      #expect(postponed.isDue(now))
      postponed.prompted(now)
      var pause: UInt64 = 0
      while !postponed.isDue(now + pause) { pause += second }
      pauses.append(pause / second)
      now += pause
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64])
  }
}
