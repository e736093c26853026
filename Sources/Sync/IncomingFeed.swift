internal import SoftadastraCore

/// How far one peer's feed of one space has come here: received, known (durable), applied.
struct IncomingFeed: Sendable {
  private(set) var received: UInt64
  private(set) var known: UInt64
  /// Sequences in the peer's log that are known here and not applied yet.
  private(set) var outstanding: Set<UInt64> = []
  /// Something from before this connection is still to be applied: `applied` stays where it was.
  private(set) var isHeldBack: Bool
  /// The first batch shows where the sender begins: before what was known where its log is not what it was.
  private var isFirst = true
  private var appliedFloor: UInt64
  /// The peer's watermark and the sequence at which it holds; merged into ours once that is applied.
  private(set) var pendingWatermark: (at: UInt64, watermark: Watermark)?

  init(known: UInt64, applied: UInt64, isHeldBack: Bool) {
    received = known
    self.known = known
    appliedFloor = isHeldBack ? min(applied, known) : known
    self.isHeldBack = isHeldBack
  }

  var applied: UInt64 {
    if isHeldBack { return appliedFloor }
    return outstanding.min().map { min($0 - 1, known) } ?? known
  }

  /// False for a batch that starts beyond what was received: something was lost, the sender will go back.
  mutating func receive(after: UInt64, through: UInt64) -> Bool {
    if isFirst, after < received {
      received = after
      known = after
      appliedFloor = min(appliedFloor, after)
    }
    isFirst = false
    guard after <= received, through > received || after == received else { return false }
    received = max(received, through)
    return true
  }

  /// What was received and could not be recorded is expected once more.
  mutating func expectAgain() { received = known }

  mutating func stored(through: UInt64, outstanding sequences: [UInt64], watermark: Watermark?) {
    known = max(known, through)
    outstanding.formUnion(sequences)
    guard let watermark else { return }
    // A later one may claim less.
    var claimed = pendingWatermark?.watermark ?? watermark
    claimed.merge(watermark)
    pendingWatermark = (through, claimed)
  }

  mutating func settled(_ sequence: UInt64) { outstanding.remove(sequence) }

  mutating func releaseHold() { isHeldBack = false }

  /// The peer's watermark, once everything up to its position is applied here.
  mutating func takeWatermark() -> Watermark? {
    guard let pending = pendingWatermark else { return nil }
    guard applied >= pending.at || DeliberateFault.watermarkTooEarly.isOn else { return nil }
    pendingWatermark = nil
    return pending.watermark
  }
}
