public import SoftadastraCore

/// Decides what to send to whom, and what to tell senders: a value without I/O, clock, threads or randomness.
///
/// The driver calls an input method for whatever happened, then `drain(_:)` for what is to be done, in order. It
/// reports back when a batch left (`left`), when received changes are durable (`stored`) and when they are applied
/// (`settled`). Nothing is ever given up: an entry is queued until a subscribed peer acknowledged it, over any number of
/// reconnects, restarts and time-outs.
public struct SyncEngine: Sendable {
  /// What the driver is to do.
  public enum Output: Sendable {
    /// Send these feed entries, possibly none, as `changes` covering (after, through].
    case send(Batch)
    case acknowledge(NodeID, SyncMessage.Acknowledge)
    /// Everything that this peer's watermark tells of is applied here: it may become ours.
    case takeOver(NodeID, SpaceID, Watermark)
    /// The peer has applied our feed up to here; worth remembering for `status` while it is away.
    case peerApplied(NodeID, SpaceID, UInt64)
  }

  public struct Batch: Sendable {
    public let peer: NodeID
    public let space: SpaceID
    public let after: UInt64
    public let through: UInt64
    public let items: [FeedPage.Item]
    /// The feed ends here: the sender's watermark may go along.
    public let isLast: Bool
    /// The own part of that watermark: what was committed since this end was read is not claimed. A peer that heard of it
    /// before it came would never get it, where the session ends in between.
    public let ownCounter: UInt64
    /// Of the peer, for choosing deltas.
    public let peerWatermark: VersionVector
  }

  struct Peer: Sendable {
    var replica: ReplicaID
    var outgoing: [SpaceID: OutgoingFeed] = [:]
    var incoming: [SpaceID: IncomingFeed] = [:]
  }

  public let options: SyncOptions
  var peers: [NodeID: Peer] = [:]
  private var outputs: [Output] = []
  private var dirty: Set<SpaceID> = []

  public init(options: SyncOptions = SyncOptions()) { self.options = options }

  // MARK: Peers and subscriptions

  public mutating func connect(_ peer: NodeID, replica: ReplicaID) { peers[peer] = Peer(replica: replica) }
  public mutating func disconnect(_ peer: NodeID) { peers[peer] = nil }
  public func isConnected(_ peer: NodeID) -> Bool { peers[peer] != nil }

  /// The peer asked for our feed of this space.
  ///
  /// - Parameter owesWatermark: we have applied what the peer does not cover: it is told so, with or without changes.
  public mutating func subscribed(
    _ peer: NodeID, _ space: SpaceID, since: UInt64, watermark: VersionVector, owesWatermark: Bool = false
  ) {
    // Of a folder, and of the group's records, it hears where the feed ends, whether there is anything for it or not.
    let owesEnd = space != .values
    peers[peer]?.outgoing[space] = OutgoingFeed(
      since: since, watermark: watermark, owesWatermark: owesWatermark, owesEnd: owesEnd)
    dirty.insert(space)
  }

  public mutating func unsubscribed(_ peer: NodeID, _ space: SpaceID) { peers[peer]?.outgoing[space] = nil }

  /// We asked for the peer's feed; `known` and `applied` as this node recorded them.
  public mutating func subscribe(
    to peer: NodeID, _ space: SpaceID, known: UInt64, applied: UInt64, hasOlderPending: Bool
  ) {
    peers[peer]?.incoming[space] = IncomingFeed(known: known, applied: applied, isHeldBack: hasOlderPending)
    // Says at once what is applied already: without changes there would be no other occasion.
    acknowledge(peer, space)
  }

  public mutating func unsubscribe(from peer: NodeID, _ space: SpaceID) { peers[peer]?.incoming[space] = nil }

  // MARK: Our changes

  /// The store's feed of this space has grown.
  public mutating func changed(_ space: SpaceID) { dirty.insert(space) }
  public mutating func changedAnything() { for peer in peers.values { dirty.formUnion(peer.outgoing.keys) } }

  /// We have applied this much, with or without changes of ours: peers that may not know it are told.
  public mutating func tellWatermark(of space: SpaceID, _ watermark: VersionVector) {
    for peer in peers.keys where peers[peer]?.outgoing[space]?.tell(watermark) == true { dirty.insert(space) }
  }

  /// What was told went out as less than it was: it counts as not told.
  public mutating func tellAgain(_ space: SpaceID) {
    for peer in peers.keys { peers[peer]?.outgoing[space]?.forgetTold() }
  }

  public mutating func acknowledged(_ peer: NodeID, _ ack: SyncMessage.Acknowledge, now: UInt64) {
    guard var feed = peers[peer]?.outgoing[ack.space] else { return }
    let before = feed.applied
    feed.acknowledge(known: ack.known, applied: ack.applied, now: now)
    peers[peer]?.outgoing[ack.space] = feed
    if feed.applied > before { outputs.append(.peerApplied(peer, ack.space, feed.applied)) }
    dirty.insert(ack.space)
  }

  /// A batch was handed over to the connection: from now on an answer is due.
  ///
  /// - Parameter isWhole: false if not all of it was sent, since it was superseded meanwhile: it was not the last one.
  public mutating func left(_ batch: Batch, isWhole: Bool, now: UInt64) {
    peers[batch.peer]?.outgoing[batch.space]?.didLeave(through: batch.through, now: now)
    guard !isWhole else { return }
    peers[batch.peer]?.outgoing[batch.space]?.takeBackEnd()
    dirty.insert(batch.space)
  }

  public mutating func moveAnswered(_ peer: NodeID, _ space: SpaceID, _ dot: Dot, done: Bool) {
    peers[peer]?.outgoing[space]?.answerMove(dot, done: done)
    dirty.insert(space)
  }

  // MARK: Their changes

  /// False for changes that leave a gap, or for a space we did not ask for: the driver drops them.
  public mutating func received(_ peer: NodeID, _ changes: SyncMessage.Changes) -> Bool {
    guard var feed = peers[peer]?.incoming[changes.space] else { return false }
    let isAccepted = feed.receive(after: changes.after, through: changes.through)
    peers[peer]?.incoming[changes.space] = feed
    if let watermark = changes.watermark {
      peers[peer]?.outgoing[changes.space]?.peerWatermark.merge(watermark.applied)
    }
    if !isAccepted { acknowledge(peer, changes.space) }
    return isAccepted
  }

  /// Received changes up to `through` are durable here; those with the given sequences are still to be applied.
  public mutating func stored(
    _ peer: NodeID, _ space: SpaceID, through: UInt64, outstanding: [UInt64], watermark: Watermark?
  ) {
    peers[peer]?.incoming[space]?.stored(through: through, outstanding: outstanding, watermark: watermark)
    progressed(peer, space)
  }

  /// Received changes could not be recorded: the sender goes back to what is known, and sends them again.
  public mutating func notStored(_ peer: NodeID, _ space: SpaceID) { peers[peer]?.incoming[space]?.expectAgain() }

  /// Changes that were outstanding are applied or superseded.
  public mutating func settled(_ space: SpaceID, _ origins: [(peer: NodeID, sequence: UInt64)]) {
    var touched: Set<NodeID> = []
    for origin in origins {
      peers[origin.peer]?.incoming[space]?.settled(origin.sequence)
      touched.insert(origin.peer)
    }
    for peer in touched { progressed(peer, space) }
  }

  /// Nothing known is waiting to be applied in this space, whoever sent it.
  public mutating func nothingPending(in space: SpaceID) {
    for peer in peers.keys where peers[peer]?.incoming[space]?.isHeldBack == true {
      peers[peer]?.incoming[space]?.releaseHold()
      progressed(peer, space)
    }
  }

  private mutating func progressed(_ peer: NodeID, _ space: SpaceID) {
    if let watermark = peers[peer]?.incoming[space]?.takeWatermark() {
      outputs.append(.takeOver(peer, space, watermark))
    }
    acknowledge(peer, space)
  }

  private mutating func acknowledge(_ peer: NodeID, _ space: SpaceID) {
    guard let feed = peers[peer]?.incoming[space] else { return }
    outputs.append(
      .acknowledge(peer, SyncMessage.Acknowledge(space: space, known: feed.known, applied: feed.applied)))
  }

  // MARK: Time

  /// Sends again what was not answered in time, forgets what is done, selects what is queued.
  public mutating func tick(now: UInt64, reading feed: some ChangeFeed) -> TickResult {
    var result = TickResult()
    for (id, peer) in peers {
      for space in peer.outgoing.keys {
        if peers[id]!.outgoing[space]!.rewindIfOverdue(now: now, options: options) {
          result.retried += 1
          dirty.insert(space)
        }
        result.pruned += peers[id]!.outgoing[space]!.prune()
      }
    }
    let before = outputs.count
    select(now: now, reading: feed)
    for case .send(let batch) in outputs[before...] {
      result.batches += 1
      result.batchEntries += batch.items.count
    }
    return result
  }

  /// What is to be done now, in order. Selects queued entries for every peer with room in its window.
  public mutating func drain(now: UInt64, reading feed: some ChangeFeed) -> [Output] {
    select(now: now, reading: feed)
    defer { outputs.removeAll(keepingCapacity: true) }
    return outputs
  }

  private mutating func select(now: UInt64, reading feed: some ChangeFeed) {
    guard !dirty.isEmpty else { return }
    let spaces = dirty.subtracting([.group])
    dirty.removeAll(keepingCapacity: true)
    for peer in peers.keys.sorted() {
      // The group's records first, all of them: a start record must arrive before any version of that life.
      guard fillWindow(peer, .group, now: now, reading: feed) else {
        dirty.formUnion(spaces)
        continue
      }
      for space in spaces { fillWindow(peer, space, now: now, reading: feed) }
    }
  }

  /// False if there is more than was sent, or will be.
  @discardableResult
  private mutating func fillWindow(
    _ id: NodeID, _ space: SpaceID, now: UInt64, reading feed: some ChangeFeed
  ) -> Bool {
    guard let replica = peers[id]?.replica, var outgoing = peers[id]?.outgoing[space] else { return true }
    var (isAtEnd, ownCounter) = (false, UInt64(0))
    while !outgoing.isWaiting, outgoing.hasRoom(options) {
      let page = feed.page(of: space, since: outgoing.scanned, limit: options.batchEntries)
      (isAtEnd, ownCounter) = (page.isLast, page.ownCounter)
      guard page.through > outgoing.scanned else { break }
      let (items, cut) = lacking(page, outgoing, peerReplica: replica)
      let through = cut.map { page.items[$0].sequence } ?? page.through
      isAtEnd = page.isLast && cut == nil
      let move = cut.flatMap { StoreKey.isMove(page.items[$0].key) ? page.items[$0].dot : nil }
      if items.isEmpty, !outgoing.owesCursor {
        outgoing.skip(through: through)
        continue
      }
      let after = outgoing.sent
      outgoing.didSend(
        through: through, entries: items.count, offering: move, isLast: isAtEnd, now: now)
      outputs.append(
        .send(
          Batch(
            peer: id, space: space, after: after, through: through, items: items, isLast: isAtEnd,
            ownCounter: ownCounter, peerWatermark: outgoing.peerWatermark)))
    }
    // A cursor that the peer never hears of would have all of this read again at each new connection. With nothing
    // under way the feed ends here.
    if !outgoing.isWaiting, outgoing.inFlight.isEmpty,
      (isAtEnd && (outgoing.owesCursor || outgoing.owesEnd))
        || outgoing.scanned >= outgoing.sent &+ options.skipsWorthTelling
    {
      let (after, through) = (outgoing.sent, outgoing.scanned)
      outgoing.didSend(through: through, entries: 0, offering: nil, isLast: isAtEnd, now: now)
      outputs.append(
        .send(
          Batch(
            peer: id, space: space, after: after, through: through, items: [], isLast: isAtEnd,
            ownCounter: ownCounter, peerWatermark: outgoing.peerWatermark)))
    }
    peers[id]?.outgoing[space] = outgoing
    return isAtEnd
  }

  /// What the peer lacks of a page, and where it is cut: behind a move, which is answered before anything else, or where
  /// the batch has bytes enough.
  private func lacking(
    _ page: FeedPage, _ outgoing: OutgoingFeed, peerReplica: ReplicaID
  ) -> (items: [FeedPage.Item], cut: Int?) {
    var items: [FeedPage.Item] = []
    var bytes = 0
    for (index, item) in page.items.enumerated() where outgoing.lacks(item, peerReplica: peerReplica) {
      items.append(item)
      bytes += item.bytes
      let isFull = bytes >= options.batchBytes && index + 1 < page.items.count
      guard StoreKey.isMove(item.key) || isFull else { continue }
      return (items, index)
    }
    return (items, nil)
  }
}
