internal import Glibc
internal import Logging
internal import SoftadastraCore
internal import SoftadastraDiscovery
internal import SoftadastraFS
internal import SoftadastraMetadata
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import SoftadastraWAL

/// The serial owner of a running node's state: group, peers, sync engine, folders.
///
/// It composes the modules and holds no logic of its own that could live in one of them. What blocks runs elsewhere:
/// file work on the pool, the log on its writer's thread, sockets on the transport's event loops.
actor NodeCore {
  /// A connected member.
  struct Member {
    let link: PeerLink
    /// Grows with every connection of this life.
    let session: UInt64
    /// Nil until its hello came.
    var hello: SyncMessage.Hello?
  }

  let home: Home
  var options: NodeOptions
  let identity: DeviceIdentity
  let store: Store
  let pool: WorkerPool
  let logger: Logger
  let time: any TimeSource = SystemTime()
  let random: any RandomSource = SystemRandom()
  let startNonce: UInt64
  /// What hellos tell of this start.
  var life: ReplicaStart
  let startedAt: UInt64
  let metadata: NodeMetadata
  nonisolated let broadcaster = EventBroadcaster()

  var group: GroupState
  var view: GroupView
  let replicator: Replicator
  var engine: SyncEngine { replicator.engine }
  var feed: OwnCounterFeed { replicator.feed }
  var folders: [FolderID: FolderHandle] = [:]
  /// Being added: a second request for the same waits.
  var isAddingFolder = false

  var transport: Transport!
  var dialer: PeerDialer!
  /// Who answered at an address: it is not dialled again while that node is connected, by whichever connection.
  var answering: [PeerAddress: NodeID] = [:]
  var discovery: DiscoveryService?
  var listenAddress: PeerAddress?
  nonisolated let arriving = LinkTable()
  var links: [ConnectionID: PeerLink] = [:]
  var members: [NodeID: Member] = [:]
  var registry = MetadataRegistry()
  var lastErrors: [NodeID: String] = [:]
  /// The forked replicas that were told of, by the node that went on from them.
  var toldForks: [NodeID: ReplicaID] = [:]
  var staticAddresses: Set<PeerAddress> = []

  var joining: JoinAttempt?
  var inviterSides: [ConnectionID: (invite: OpenInvite, joinerNonce: UInt64, inviterNonce: UInt64)] = [:]

  var isStopping = false
  /// The replica's history has forked: a new one is being taken.
  var isHealing = false
  /// Stopped for a healing, and not started again yet.
  var restingFolders: [WatchedFolder] = []
  var dialTimer: Task<Void, Never>?
  var ticker: Task<Void, Never>?
  var lastSession: UInt64 = 0
  var groupWaiters: [CheckedContinuation<Void, Never>] = []
  var stoppedFolders: [FolderID: (folder: WatchedFolder, error: SoftadastraError)] = [:]
  var nextFolderIndex: UInt64 = 1
  var nextSettle: UInt64 = 1
  nonisolated let transportEvents: AsyncStream<TransportEvent>.Continuation
  private let transportStream: AsyncStream<TransportEvent>
  var settleWaiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
  var lastTick = TickResult()
  /// Grows with everything that needs memory for a while.
  var activity: UInt64 = 0
  /// What the copy of the settings knows.
  var copiedSequence: UInt64 = 0
  var isCopyingSettings = false
  /// While folders are started that were mirrored last before the machine was.
  var isAfterPowerLoss = false
  var quiet = Quiet()

  init(
    home: Home, options: NodeOptions, identity: DeviceIdentity, store: Store, group: GroupState, logger: Logger
  ) {
    self.home = home
    self.options = options
    self.identity = identity
    self.store = store
    self.group = group
    self.logger = logger
    pool = WorkerPool(threads: max(2, systemCoreCount()), name: "softadastra-io")
    (transportStream, transportEvents) = AsyncStream.makeStream()
    startNonce = random.next()
    life = ReplicaStart(nonce: startNonce, nextCounter: 1)
    startedAt = time.monotonicNanoseconds()
    view = GroupView(store)
    replicator = Replicator(store: store, node: identity.nodeID, time: time)
    metadata = NodeMetadata(
      nodeID: identity.nodeID, name: options.name.value, platform: .collect(),
      capabilities: ["files", "kv", "lz4", "manifest-delta", "move"], startedAt: time.wallMilliseconds())
  }

  nonisolated var nodeID: NodeID { identity.nodeID }
  nonisolated var author: AuthorTag { identity.nodeID.tag }

  // MARK: Life

  func start() async throws(SoftadastraError) {
    await copySettings()
    verifyLog()
    installHooks()
    try await recordStart()
    var transportOptions = TransportOptions()
    transportOptions.admitsEveryone = false
    transport = Transport(identity: identity, options: transportOptions, logger: logger) { [weak self] event in
      self?.dispatch(event)
    }
    arriving.use(transport)
    dialer = PeerDialer(transport: transport, time: time, random: random)
    let stream = transportStream
    Task { [weak self] in
      for await event in stream { await self?.handle(event) }
    }
    guard let address = PeerAddress(options.listen.value) else {
      throw SoftadastraError(
        .invalid, "listen address", at: options.listen.value, why: "it is not HOST:PORT",
        hint: "for example [::]:22420 or 127.0.0.1:0")
    }
    listenAddress = try await transport.listen(on: address)
    store.onChange { [weak self] _ in
      guard let self else { return }
      Task { await self.storeChanged() }
    }
    // Before anybody is looked for: its inviter announces itself under the invite's key.
    if let invite = NodeSettings(store: store).loadPendingJoin() {
      if view.members[invite.inviter] == nil {
        joining = JoinAttempt(invite: invite)
      } else {
        // A crash came between the end of joining and the note of it.
        try store.commit([NodeSettings(store: store).pendingJoinRemoval()])
      }
    }
    try await startDiscovery()
    for address in options.peers.value + NodeSettings(store: store).peerAddresses() { addStatic(address) }
    updateDialTargets()
    isAfterPowerLoss = isAnotherBoot
    for folder in NodeSettings(store: store).folders() { await resume(folder) }
    isAfterPowerLoss = false
    try rememberBoot()
    ticker = ticking()
  }

  /// Before the first version of this life: a record by which others notice a clone or a restored backup.
  private func recordStart() async throws(SoftadastraError) {
    life = try await ReplicaStart.begin(store, node: nodeID, nonce: startNonce)
    try await KeptValues(store: store, author: author).putAnew()
    let own = MemberRecord.storeKey(nodeID)
    if view.members[nodeID] == nil {
      let member = try MemberRecord.make(identity.publicKey, name: options.name.value, in: group.id, by: identity)
      try await store.wait(try store.commit([groupPut(own, member.encoded(), after: try store.get(own))]))
    }
    try await recordTakenFolders()
    view = GroupView(store)
  }

  /// A new version of a group record.
  func groupPut(_ key: [UInt8], _ value: [UInt8], after old: Entry?) -> Mutation {
    let version = store.newVersion(basedOn: old?.version?.vector ?? VersionVector(), author: author)
    return .put(key: key, value: value, version: version)
  }

  func shutdown() async {
    guard !isStopping else { return }
    isStopping = true
    replicator.rememberPeers()
    ticker?.cancel()
    dialTimer?.cancel()
    joining?.finish(.failure(closedError))
    for folder in folders.values { await folder.stop() }
    await discovery?.stop()
    if let transport { await transport.shutdown() }
    transportEvents.finish()
    for link in links.values { link.finish() }
    for waiter in settleWaiters.values { waiter.resume(returning: false) }
    settleWaiters.removeAll()
    broadcaster.finish()
    await copySettings()
    await store.close()
  }

  var closedError: SoftadastraError { SoftadastraError(.closed, "node", why: "it is shutting down") }

  // MARK: Replication

  private func installHooks() {
    replicator.install(
      Replicator.Hooks(
        enqueue: { [unowned self] peer, outgoing in members[peer]?.link.enqueue(outgoing) },
        groupChanged: { [unowned self] in groupChanged() },
        accepts: { [unowned self] in isAcceptable($0) },
        valueConflict: { [unowned self] key in
          report(
            NodeEvent("conflict", path: BytePath.escape(key), message: "two values were put at the same time"))
        },
        failed: { [unowned self] peer, error in
          logger.error("cannot record changes from \(peer.short): \(error)")
          report(NodeEvent("warning", peer: name(of: peer), message: error.description))
        }))
    replicator.hooks.deletedWhileAway = { [unowned self] space, count in told(space, count) }
    replicator.tombstonePatienceMilliseconds = UInt64(max(0, options.awayDays.value)) * 86_400_000
  }

  /// This node was away for longer than the others remember deletions.
  private func told(_ space: SpaceID, _ count: Int) {
    let what = count == 1 ? "one" : "\(count)"
    guard case .folder(let id) = space else {
      return report(
        NodeEvent(
          "warning", message: "\(what) of the values had been deleted while this node was away; see conflicts"))
    }
    let message = "\(what) of the files had been deleted while this node was away; they are in the versions archive"
    logger.notice("\(view.folders[id] ?? ""): \(message)")
    report(NodeEvent("warning", folder: view.folders[id], message: message))
  }

  private func storeChanged() async {
    guard !isStopping else { return }
    replicator.storeChanged()
  }

  func pump() {
    guard !isStopping else { return }
    replicator.pump()
  }

  func report(_ event: NodeEvent) { broadcaster.send(event) }

  func name(of node: NodeID) -> String { registry[node]?.name ?? view.members[node]?.name ?? node.short }
}

/// Processors this process may use.
private func systemCoreCount() -> Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
