internal import SoftadastraCore
internal import SoftadastraSync

/// Whether a member that was asked what it has may take over the claims of the peer that asked.
///
/// Such a claim says that everything up to some point is known, and takes in deletions that nobody remembers. Who takes it
/// over vouches for it towards others, and must hold nothing of what they deleted. The peer has told that of what was here when
/// it asked. What came from others since is in doubt until the peer mentions it in its own feed, or is told of it in
/// another survey.
///
/// Pure; one for each peer and space, from a survey until a claim is taken over.
struct SurveyAccount {
  /// Of more the peer is told everything again.
  static let maxDoubtful = 65_536

  /// Another one for each survey: what was under way when it began is in none of its lists.
  private(set) var number: UInt64
  /// What the peer had applied when it asked for everything.
  private let known: VersionVector
  private(set) var isAnswered = false
  private var isIncomplete = false
  private var doubtful: [[UInt8]: [Dot]] = [:]
  private var doubtfulCount = 0

  init(known: VersionVector, number: UInt64) { (self.known, self.number) = (known, number) }

  /// The peer has said what is gone.
  mutating func answered() { isAnswered = true }

  /// Whether the peer may have forgotten that this version was deleted.
  func mayKnowMore(of dot: Dot) -> Bool { known.covers(dot) }

  /// Somebody else sent this version, and it was not here.
  mutating func took(_ dot: Dot, at key: [UInt8]) {
    guard mayKnowMore(of: dot), !isIncomplete, doubtful[key]?.contains(dot) != true else { return }
    doubtful[key, default: []].append(dot)
    doubtfulCount += 1
    if doubtfulCount > Self.maxDoubtful { tookMuch() }
  }

  /// Too much to be listed.
  mutating func tookMuch() {
    isIncomplete = true
    (doubtful, doubtfulCount) = ([:], 0)
  }

  /// The peer sent a version of this key.
  mutating func heard(_ version: Version, at key: [UInt8]) {
    guard doubtfulCount > 0, let dots = doubtful[key] else { return }
    let rest = dots.filter { !version.vector.covers($0) }
    doubtful[key] = rest.isEmpty ? nil : rest
    doubtfulCount -= dots.count - rest.count
  }

  /// Whether nothing is here of what was deleted with these tombstones.
  func settles(_ collected: VersionVector) -> Bool { reaches(collected) && doubtful.isEmpty }

  /// Whether it is enough to tell the peer what is in doubt.
  func reaches(_ collected: VersionVector) -> Bool { isAnswered && !isIncomplete && known.covers(collected) }

  /// Nothing is left that it could say something about.
  func isSpent(_ applied: VersionVector) -> Bool { applied.covers(known) }

  /// What the peer is told of when it asks again: from then on it has not answered. Nil if it is to be told everything.
  mutating func askedAgain(number: UInt64) -> [SyncMessage.InventoryItem]? {
    guard isAnswered, !isIncomplete else { return nil }
    defer {
      (doubtful, doubtfulCount) = ([:], 0)
      (self.number, isAnswered) = (number, false)
    }
    return doubtful.flatMap { key, dots in dots.map { SyncMessage.InventoryItem(key: key, dot: $0) } }
  }
}
