internal import SoftadastraCore

/// What one peer still lacks of one space of ours: a cursor into our feed with batches in flight.
///
/// Go-back-N: a batch that is not answered in time rewinds the cursor to what the peer is known to hold. Sending
/// something twice is harmless, the receiver compares versions. Time counts from when the driver could hand a batch over,
/// whose queue is bounded, not while it waits for that: a second copy would only make a slow link slower.
struct OutgoingFeed: Sendable {
  struct Batch: Sendable {
    let through: UInt64
    let entries: Int
    /// When it left; nil while it waits for those before it.
    var sentAt: UInt64?
  }

  /// A move was offered; the feed waits for the answer.
  enum Hold: Sendable, Equatable {
    case none
    case awaiting(Dot, since: UInt64)
  }

  /// The peer holds everything up to here durably, and has everything up to `applied` on its disk.
  private(set) var known: UInt64
  private(set) var applied: UInt64
  /// The end of the last batch that was sent.
  private(set) var sent: UInt64
  /// Read up to here: between `sent` and `scanned` lies nothing that the peer lacks.
  private(set) var scanned: UInt64
  private(set) var inFlight: [Batch] = []
  private var entriesInFlight = 0
  private(set) var hold = Hold.none
  /// When the peer answered last.
  private var answeredAt: UInt64 = 0
  private(set) var attempts = 0
  private(set) var retries = 0
  private(set) var acknowledgedEntries = 0
  /// Of the peer, as last told.
  var peerWatermark: VersionVector
  /// Moves that the peer carried out by one rename: entries with these dots need no sending.
  private(set) var doneMoves: Set<Dot> = []
  /// The peer's cursor is still to be moved past the entries of a move that it carried out, or it is to hear of our
  /// watermark although nothing else is new.
  private(set) var owesCursor = false
  /// The peer was not told yet that what it was sent is all: it may be waiting for that.
  private(set) var owesEnd: Bool
  /// Our watermark as the peer was told it last.
  private var told = VersionVector()

  init(since: UInt64, watermark: VersionVector, owesWatermark: Bool = false, owesEnd: Bool = false) {
    owesCursor = owesWatermark
    self.owesEnd = owesEnd
    known = since
    applied = 0
    sent = since
    scanned = since
    peerWatermark = watermark
  }

  var isWaiting: Bool { hold != .none }

  /// Whether another batch may be sent before one is answered. Changes that come one by one make small batches, of which
  /// a distant peer needs many under way.
  func hasRoom(_ options: SyncOptions) -> Bool {
    entriesInFlight < options.windowEntries && inFlight.count < options.windowBatches
  }

  /// Whether the peer needs this entry from us.
  func lacks(_ item: FeedPage.Item, peerReplica: ReplicaID) -> Bool {
    if item.isConflictCopy { return true }
    if StoreKey.isMove(item.key) { return item.dot.replica != peerReplica && !peerWatermark.covers(item.dot) }
    if doneMoves.contains(item.dot) { return false }
    return item.dot.replica != peerReplica && !peerWatermark.covers(item.dot)
  }

  mutating func didSend(through: UInt64, entries: Int, offering move: Dot?, isLast: Bool, now: UInt64) {
    sent = max(sent, through)
    scanned = sent
    owesCursor = false
    owesEnd = !isLast
    inFlight.append(Batch(through: through, entries: entries))
    entriesInFlight += entries
    if let move { hold = .awaiting(move, since: now) }
  }

  /// The driver handed a batch over to the connection.
  mutating func didLeave(through: UInt64, now: UInt64) {
    guard let index = inFlight.firstIndex(where: { $0.through == through && $0.sentAt == nil }) else { return }
    inFlight[index].sentAt = now
  }

  /// The peer was not told the end after all.
  mutating func takeBackEnd() { owesEnd = true }

  /// Our watermark goes along with the next batch, changes or not, if it is news.
  mutating func tell(_ watermark: VersionVector) -> Bool {
    guard inFlight.isEmpty, !isWaiting else { return false }
    let isNews = watermark.dots.contains { !told.covers($0) && !peerWatermark.covers($0) }
    told.merge(watermark)
    owesCursor = owesCursor || isNews
    return isNews
  }

  mutating func forgetTold() { told = VersionVector() }

  /// Nothing up to here concerns the peer: no message is worth saying so.
  mutating func skip(through: UInt64) { scanned = max(scanned, through) }

  mutating func acknowledge(known: UInt64, applied: UInt64, now: UInt64) {
    // A peer that claims more than was sent is wrong; believing it would lose changes.
    let known = min(known, sent)
    if known > self.known {
      self.known = known
      answeredAt = now
      attempts = 0
    } else if known < self.known {
      // It said so before it heard that this feed begins anew, and could not record what came first.
      self.known = known
      self.applied = min(self.applied, known)
      rewind()
    }
    self.applied = max(self.applied, min(applied, self.known))
    let done = inFlight.prefix { $0.through <= self.known }
    let entries = done.reduce(0) { $0 + $1.entries }
    acknowledgedEntries += entries
    entriesInFlight -= entries
    inFlight.removeFirst(done.count)
  }

  mutating func answerMove(_ dot: Dot, done: Bool) {
    guard case .awaiting(dot, _) = hold else { return }
    hold = .none
    if done {
      doneMoves.insert(dot)
      owesCursor = true
    }
  }

  /// Forgets moves once everything is applied at the peer.
  mutating func prune() -> Int {
    guard inFlight.isEmpty, !owesCursor, applied >= sent, !doneMoves.isEmpty else { return 0 }
    defer { doneMoves.removeAll() }
    return doneMoves.count
  }

  /// True if something timed out and the cursor went back.
  mutating func rewindIfOverdue(now: UInt64, options: SyncOptions) -> Bool {
    guard let since = waitingSince.map({ max($0, answeredAt) }) else { return false }
    let patience = min(options.retryNanoseconds << UInt64(min(attempts, 8)), options.maxRetryNanoseconds)
    guard now >= since, now - since > patience else { return false }
    rewind()
    return true
  }

  /// Since when nothing but the peer's answer is waited for.
  private var waitingSince: UInt64? {
    if inFlight.contains(where: { $0.sentAt == nil }) { return nil }
    if let batch = inFlight.first { return batch.sentAt }
    if case .awaiting(_, let since) = hold { return since }
    return nil
  }

  mutating func rewind() {
    attempts += 1
    retries += 1
    told = VersionVector()
    sent = known
    scanned = known
    inFlight.removeAll()
    entriesInFlight = 0
    hold = .none
  }
}
