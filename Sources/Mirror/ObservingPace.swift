/// Whether observing waits for peers to take what was read for them: a file that is looked at long before it is sent is
/// read twice. Pure.
///
/// While fast peers take, the next large batch waits, for a fifth of a second at most; for slow ones it does so once, until
/// there is room again. What is recorded here never depends on a peer, only when.
struct ObservingPace: Sendable {
  static let pauseNanoseconds: UInt64 = 4_000_000
  /// Before one batch.
  static let maxPauses = 50
  /// So many pauses show whether peers are fast: they take this much meanwhile.
  static let judgedPauses = 5
  static let takenByFastPeers: UInt64 = 64

  private var pauses = 0
  private var taken: UInt64 = 0
  private var outpacesPeers = false

  mutating func batchBegins() { pauses = 0 }

  /// - Parameter now: `RecentContent.takenWhileCrowded`.
  mutating func waits(taken now: UInt64?) -> Bool {
    guard let now else {
      outpacesPeers = false
      return false
    }
    guard !outpacesPeers, pauses < Self.maxPauses else { return false }
    if pauses > 0, pauses.isMultiple(of: Self.judgedPauses), now < taken + Self.takenByFastPeers {
      outpacesPeers = true
      return false
    }
    if pauses.isMultiple(of: Self.judgedPauses) { taken = now }
    pauses += 1
    return true
  }
}
