public import SoftadastraCore
public import SoftadastraMirror
public import SoftadastraStore
public import SoftadastraSync

/// Carries the sync engine's decisions between a store, its folders and the peers: one node without its network.
///
/// It belongs to one actor, which calls it and gives it `hooks`; it has no tasks, sockets or clocks of its own, so that
/// the simulator runs the same code as a node. Whoever connects peers hands over what they say (`receive`) and sends
/// what the hooks are given.
public final class Replicator {
  /// What leaves for one peer, in order.
  public enum Outgoing: Sendable {
    case message(SyncMessage)
    /// Feed entries still to be read and encoded; see `OutgoingChanges`.
    case batch(SyncEngine.Batch, claim: Claim?)
  }

  /// What the owner is asked to do.
  public struct Hooks {
    public var enqueue: (NodeID, Outgoing) -> Void
    /// Records of the group space were taken in.
    public var groupChanged: () -> Void
    /// Whether a change of the group space may be taken in.
    public var accepts: (Change) -> Bool
    /// Two values of this key were put at the same time.
    public var valueConflict: ([UInt8]) -> Void
    /// Changes of a peer could not be recorded.
    public var failed: (NodeID, SoftadastraError) -> Void
    /// So many entries were deleted here since they had been in the group while this node was away.
    public var deletedWhileAway: (SpaceID, Int) -> Void = { _, _ in }

    public init(
      enqueue: @escaping (NodeID, Outgoing) -> Void, groupChanged: @escaping () -> Void,
      accepts: @escaping (Change) -> Bool, valueConflict: @escaping ([UInt8]) -> Void,
      failed: @escaping (NodeID, SoftadastraError) -> Void
    ) {
      self.enqueue = enqueue
      self.groupChanged = groupChanged
      self.accepts = accepts
      self.valueConflict = valueConflict
      self.failed = failed
    }
  }

  /// A peer that said hello.
  struct Peer {
    let replica: ReplicaID
    /// Of its present life.
    let nonce: UInt64
    let session: UInt64
    /// What it subscribed to, also of folders that are not mirrored here (yet).
    var wanted: [SpaceID: SyncMessage.Subscribe] = [:]
    /// What it acknowledged of folders that are not mirrored here yet.
    var early: [SpaceID: SyncMessage.Acknowledge] = [:]
    /// What it is to send again whole.
    var awaited: [SpaceID: AwaitedChanges] = [:]
    /// How far it has applied our feeds, not remembered in the store yet.
    var applied: [SpaceID: UInt64] = [:]
    /// It has not said all that it has of the group's records, or they could not be recorded. A start record must be here
    /// before any version of that life, or that life is taken for a fork: nothing else is recorded until they come.
    var lacksGroupRecords = true
    /// Of these something could not be recorded.
    var refused = RefusedSpaces()
    /// Batches of these spaces that are being recorded right now.
    var recording: [SpaceID: Int] = [:]
    /// Spaces of which it is asked what it has, before it gets our feed.
    var surveyed: Set<SpaceID> = []
    /// What it asked us for, and how far that has come.
    var inventories: [SpaceID: Inventory] = [:]
  }

  /// Settled while its batch was still being recorded: the engine hears of it after the batch.
  struct EarlySettled: Hashable {
    let peer: NodeID
    let space: SpaceID
    let sequence: UInt64
  }

  public let store: Store
  public let feed: OwnCounterFeed
  let node: NodeID
  var author: AuthorTag { node.tag }
  let time: any TimeSource
  /// How long a deletion is remembered for members that are away.
  public var tombstonePatienceMilliseconds: UInt64 = 90 * 86_400_000
  /// Deletions that were forgotten in this life.
  public internal(set) var forgotten = 0
  var tombstones: [SpaceID: Tombstones] = [:]
  var withheld = WithheldWatermarks()
  /// Before the feed was read, for what is still to be handed on, each space's mark; absent where nothing was claimed.
  var marks: [SpaceID: UInt64?] = [:]
  var sequenceAtLastTick: UInt64?
  public internal(set) var engine: SyncEngine
  public private(set) var folders: [FolderID: FolderMirror] = [:]
  var peers: [NodeID: Peer] = [:]
  var earlySettled: Set<EarlySettled> = []
  /// Which claims of peers may be taken over.
  var claims: [SpaceID: ClaimLedger] = [:]
  /// Folders that have stopped, and cannot put anything away.
  var stoppedFolders: Set<FolderID> = []
  public var hooks: Hooks!

  public init(store: Store, node: NodeID, time: any TimeSource, options: SyncOptions = SyncOptions()) {
    self.store = store
    self.node = node
    self.time = time
    feed = OwnCounterFeed(store)
    engine = SyncEngine(options: options)
  }

  /// Once, before anything else is called.
  public func install(_ hooks: Hooks) { self.hooks = hooks }

  public var spaces: [SpaceID] { [.group, .values] + folders.keys.sorted().map { .folder($0) } }

  // MARK: Folders

  public nonisolated(nonsending) func add(_ mirror: FolderMirror) async {
    folders[mirror.folder] = mirror
    stoppedFolders.remove(mirror.folder)
    announceWatermark(.folder(mirror.folder))
    for (peer, state) in peers { await subscribe(to: peer, mirror, state) }
    // A peer may have asked for it before it was here.
    for (peer, state) in peers {
      let space = SpaceID.folder(mirror.folder)
      guard let request = state.wanted[space] else { continue }
      subscribed(peer, request)
      if let acknowledge = peers[peer]?.early.removeValue(forKey: space) { acknowledged(peer, acknowledge) }
    }
    engine.changed(.folder(mirror.folder))
    pump()
  }

  /// The folder is not mirrored here any more: nothing of it is offered, and peers stop sending it.
  public func remove(_ folder: FolderID) {
    folders[folder] = nil
    let space = SpaceID.folder(folder)
    tombstones[space] = nil
    withdrawWatermark(space)
    for peer in peers.keys {
      engine.unsubscribe(from: peer, space)
      engine.unsubscribed(peer, space)
      forgetSurveys(of: space, by: peer)
      hooks.enqueue(peer, .message(.unsubscribe(space)))
    }
  }

  /// Everything starts anew under another replica ID.
  public func reset() {
    folders.removeAll()
    feed.reset()
    tombstones.removeAll()
    withheld = WithheldWatermarks()
  }

  // MARK: Peers

  /// A member said hello. `session` grows with every connection of this life.
  public nonisolated(nonsending) func connected(
    _ peer: NodeID, replica: ReplicaID, nonce: UInt64, session: UInt64
  ) async {
    forgetClaims(of: peer)
    peers[peer] = Peer(replica: replica, nonce: nonce, session: session)
    engine.connect(peer, replica: replica)
    announceWatermark(.values)
    subscribe(to: peer, .group)
    subscribe(to: peer, .values)
    for mirror in Array(folders.values) {
      if let state = peers[peer] { await subscribe(to: peer, mirror, state) }
    }
    pump()
  }

  /// The session ended; the owner tells the folders.
  public func disconnected(_ peer: NodeID) {
    rememberPeers()
    forgetClaims(of: peer)
    peers[peer] = nil
    earlySettled = earlySettled.filter { $0.peer != peer }
    engine.disconnect(peer)
  }

  public func isConnected(_ peer: NodeID) -> Bool { peers[peer] != nil }

  private func subscribe(to peer: NodeID, _ space: SpaceID, hasPending: Bool = false) {
    guard let replica = peers[peer]?.replica else { return }
    let cursor = cursor(replica, space)
    engine.subscribe(to: peer, space, known: cursor.known, applied: 0, hasOlderPending: hasPending)
    ask(peer, for: space, of: replica, since: cursor.known, nonce: cursor.nonce)
  }

  func ask(_ peer: NodeID, for space: SpaceID, of replica: ReplicaID, since: UInt64, nonce: UInt64) {
    hooks.enqueue(
      peer,
      .message(
        .subscribe(
          SyncMessage.Subscribe(
            space: space, replica: replica, since: since, nonce: nonce, watermark: watermarkRecord(space).applied))))
  }

  /// What could not be recorded is asked for again, from where the records end.
  func askAgain(_ peer: NodeID) {
    guard let state = peers[peer] else { return }
    for space in peers[peer]?.refused.take(groupOnly: state.lacksGroupRecords) ?? [] {
      guard let known = engine.incomingKnown(peer, space) else { continue }
      ask(peer, for: space, of: state.replica, since: known, nonce: state.nonce)
    }
  }

  private nonisolated(nonsending) func subscribe(to peer: NodeID, _ mirror: FolderMirror, _ state: Peer) async {
    await mirror.peerConnected(peer, replica: state.replica, session: state.session)
    let hasPending = await mirror.hasPending
    guard peers[peer]?.session == state.session, folders[mirror.folder] === mirror else { return }
    // A send-only folder wants nothing of the others, but offers its own.
    if mirror.configuration.mode != .sendOnly { subscribe(to: peer, .folder(mirror.folder), hasPending: hasPending) }
    pump()
    // What was waiting may have been applied before the engine knew that it waits for it.
    if hasPending, !(await mirror.hasPending) { nothingPending(.folder(mirror.folder)) }
  }

  func subscribed(_ peer: NodeID, _ request: SyncMessage.Subscribe) {
    peers[peer]?.wanted[request.space] = request
    // Offers of a folder that this node does not mirror would be entries without content.
    if case .folder(let id) = request.space, folders[id] == nil { return }
    if !surveys(peer, request) { serve(peer, request) }
  }

  /// The peer gets our feed from where it stands.
  func serve(_ peer: NodeID, _ request: SyncMessage.Subscribe) {
    let isOurs =
      request.replica == store.replica && request.since <= store.lastSequence
      && LogLives.read(from: store).hasKept(request.since, of: request.nonce)
    if AwayPeer(node: peer, store: store).memory(of: request.space) == nil { peers[peer]?.applied[request.space] = 0 }
    engine.subscribed(
      peer, request.space, since: isOurs ? request.since : 0, watermark: request.watermark,
      owesWatermark: request.space != .group && !request.watermark.covers(ownWatermark(request.space).applied))
    pump()
  }

  func acknowledged(_ peer: NodeID, _ acknowledge: SyncMessage.Acknowledge) {
    if case .folder(let id) = acknowledge.space, folders[id] == nil {
      peers[peer]?.early[acknowledge.space] = acknowledge
      return
    }
    engine.acknowledged(peer, acknowledge, now: time.monotonicNanoseconds())
    pump()
  }

  // MARK: Engine

  /// The store's feed has grown.
  public func storeChanged() {
    engine.changedAnything()
    pump()
  }

  public func tick() -> TickResult {
    // What a tick writes itself is no work of anybody.
    let isQuiet = store.lastSequence == sequenceAtLastTick
    rememberPeers()
    for folder in folders.keys where withheld.release(folder, in: store) { engine.tellAgain(.folder(folder)) }
    collectTombstones(isQuiet: isQuiet)
    noteMarks()
    let result = engine.tick(now: time.monotonicNanoseconds(), reading: feed)
    for peer in peers.keys where peers[peer]?.refused.tick() == true { askAgain(peer) }
    takeOverPostponed()
    pump()
    sequenceAtLastTick = store.lastSequence
    return result
  }

  /// Whether something came that the log could not take: ticks count until it is asked for again.
  public var isWaitingForRoom: Bool { peers.values.contains { !$0.refused.isEmpty } }

  // MARK: From the folders

  /// Remote changes that were outstanding are applied or superseded.
  public func settled(_ space: SpaceID, _ origins: [(peer: NodeID, sequence: UInt64)]) {
    for origin in origins where peers[origin.peer]?.recording[space] ?? 0 > 0 {
      earlySettled.insert(EarlySettled(peer: origin.peer, space: space, sequence: origin.sequence))
    }
    engine.settled(space, origins)
    pump()
  }

  public func nothingPending(_ space: SpaceID) {
    engine.nothingPending(in: space)
    pump()
  }
}
