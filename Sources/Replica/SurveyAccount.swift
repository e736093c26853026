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

  /// What the peer had applied when it asked for everything.
  private let known: VersionVector
  private var isAnswered = false
  private var isOverfull = false
  private var doubtful: [[UInt8]: [Dot]] = [:]

  init(known: VersionVector) { self.known = known }

  /// The peer has said what is gone.
  mutating func answered() { isAnswered = true }

  /// Whether the peer may have forgotten that this version was deleted.
  func mayKnowMore(of dot: Dot) -> Bool { known.covers(dot) }

  /// Somebody else sent this version, and it was not here.
  mutating func took(_ dot: Dot, at key: [UInt8]) {
    guard mayKnowMore(of: dot), !isOverfull else { return }
    doubtful[key, default: []].append(dot)
    guard doubtful.count > Self.maxDoubtful else { return }
    isOverfull = true
    doubtful = [:]
  }

  /// The peer sent a version of this key.
  mutating func heard(_ version: Version, at key: [UInt8]) {
    guard !doubtful.isEmpty, let dots = doubtful[key] else { return }
    let rest = dots.filter { !version.vector.covers($0) }
    doubtful[key] = rest.isEmpty ? nil : rest
  }

  /// Whether nothing is here of what was deleted with these tombstones.
  func settles(_ collected: VersionVector) -> Bool {
    isAnswered && !isOverfull && doubtful.isEmpty && known.covers(collected)
  }

  /// Whether it is enough to tell the peer what is in doubt, once it asks again because of these.
  func reaches(_ collected: VersionVector) -> Bool { isAnswered && !isOverfull && known.covers(collected) }

  /// What the peer is told of when it asks again. From now on it has not answered.
  mutating func takeDoubtful() -> [SyncMessage.InventoryItem] {
    defer { (isAnswered, doubtful) = (false, [:]) }
    return doubtful.flatMap { key, dots in dots.map { SyncMessage.InventoryItem(key: key, dot: $0) } }
  }
}
