internal import SoftadastraCore
internal import SoftadastraSync

/// A peer's claim that cannot be taken over before the peer has asked what is here, and when it is given a reason to.
///
/// Mostly it asks at once. It does not where its store is damaged, and it asks in vain while the log here is full: the pause
/// grows. Pure.
struct PostponedClaim {
  private static let firstPauseNanoseconds: UInt64 = 1_000_000_000
  private static let maxPauseNanoseconds: UInt64 = 64_000_000_000

  private(set) var claim: Watermark
  private var pause = firstPauseNanoseconds
  private var notBefore: UInt64 = 0

  init(_ claim: Watermark) { self.claim = claim }

  mutating func merge(_ other: Watermark) { claim.merge(other) }

  func isDue(_ now: UInt64) -> Bool { now >= notBefore }

  mutating func prompted(_ now: UInt64) {
    notBefore = now &+ pause
    pause = min(pause * 2, Self.maxPauseNanoseconds)
  }
}
