public import Logging
public import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import Synchronization
internal import SoftadastraFS

/// A node that runs in this process: mirrors its folders, talks to its group, answers requests.
public final class RunningNode: NodeService {
  let core: NodeCore
  public let nodeID: NodeID
  /// `HOST:PORT`, with the port that was really taken.
  public let listenAddress: String
  /// Where it listens, announces and keeps its log: nothing starts in silence.
  public let startupNotices: [String]
  /// Nobody else is in the group yet, so an invite is worth printing.
  public let canInvite: Bool

  private init(core: NodeCore, listenAddress: String, startupNotices: [String], canInvite: Bool) {
    self.core = core
    nodeID = core.nodeID
    self.listenAddress = listenAddress
    self.startupNotices = startupNotices
    self.canInvite = canInvite
  }

  /// Takes the home's lock, opens the store, listens, announces, resumes the folders.
  ///
  /// - Throws: `.conflict` if the home is locked or the port in use; whatever a damaged home gives. Nothing keeps
  ///   running then.
  public static func start(
    home: Home, options: NodeOptions, logger: Logger
  ) async throws(SoftadastraError) -> RunningNode {
    let files = try await NodeFiles.open(home, options, create: true)
    let core = NodeCore(
      home: home, options: options, identity: files.identity, store: files.store, group: files.group, logger: logger)
    do throws(SoftadastraError) {
      try await core.start()
    } catch {
      await core.shutdown()
      throw error
    }
    let address = await core.listenAddress?.description ?? ""
    let isDiscovering = await core.discovery != nil
    var notices = [
      "node \(files.identity.nodeID.short) (\(options.name.value)), state in \(home.path), log in \(files.store.log.path)",
      "listening on \(address)",
      isDiscovering ? "announcing itself on UDP port \(options.discoveryPort.value)" : "discovery is off",
    ]
    notices += files.notices
    if let tail = files.store.log.tornTail { notices.append("the log was cut off in a write, as by a crash: \(tail)") }
    notices += try DamageRecovery.takeReport(from: files.store)
    let isAlone = await core.canInvite
    return RunningNode(core: core, listenAddress: address, startupNotices: notices, canInvite: isAlone)
  }

  public func shutdown() async { await core.shutdown() }

  /// Takes over what can change while running: static peers. The rest counts from the next start.
  public func reload(_ options: NodeOptions) async { await core.reload(options) }

  // MARK: NodeService

  public func status() async throws(SoftadastraError) -> StatusReport { await core.statusReport() }
  public func node() async throws(SoftadastraError) -> NodeReport { await core.nodeReport() }
  public func stop() async throws(SoftadastraError) { await core.shutdown() }
  public func addFolder(_ request: FolderRequest) async throws(SoftadastraError) { try await core.addFolder(request) }

  public func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String {
    try await core.invite(expiresSeconds: expiresSeconds, uses: uses)
  }

  public func join(_ invite: String) async throws(SoftadastraError) { try await core.join(invite) }

  public func addPeerAddress(_ address: String) async throws(SoftadastraError) {
    try await core.addPeerAddress(address)
  }

  public func removePeerAddress(_ address: String) async throws(SoftadastraError) {
    try await core.removePeerAddress(address)
  }
  public func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport] {
    try await core.discover(seconds: seconds)
  }
  public func retry(_ path: [String]) async throws(SoftadastraError) { try await core.retry(path) }

  public func tick() async throws(SoftadastraError) -> TickReport {
    let result = await core.tickNow()
    return TickReport(
      retried: result.retried, pruned: result.pruned, batches: result.batches, batchEntries: result.batchEntries)
  }

  public func wait(timeoutSeconds: Double, peers: Int) async throws(SoftadastraError) -> WaitReport {
    await core.wait(timeoutSeconds: timeoutSeconds, peers: peers)
  }

  public func put(key: [UInt8], value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport {
    try await values.put(key, value, ifVersion: ifVersion)
  }

  public func get(key: [UInt8]) async throws(SoftadastraError) -> ValueReport { try values.get(key) }
  public func remove(key: [UInt8]) async throws(SoftadastraError) { try await values.remove(key) }

  public func list(prefix: [UInt8], after: [UInt8]?, limit: Int) async throws(SoftadastraError) -> [ValueReport] {
    values.list(prefix, after: after, limit: limit)
  }

  public func watchValues(prefix: [UInt8]) async throws(SoftadastraError) -> AsyncStream<ValueReport> {
    ValueWatch.stream(core.store, prefix: prefix, values)
  }

  public func compactLog() async throws(SoftadastraError) {
    let store = core.store
    try await core.pool.run { () throws(SoftadastraError) in try store.compact() }
  }

  public func events() async throws(SoftadastraError) -> AsyncStream<NodeEvent> {
    let (stream, continuation) = AsyncStream<NodeEvent>.makeStream(
      bufferingPolicy: .bufferingNewest(EventBroadcaster.maxQueuedEvents))
    let batches = eventBatches()
    let task = Task {
      for await batch in batches { for event in batch { continuation.yield(event) } }
      continuation.finish()
    }
    continuation.onTermination = { _ in task.cancel() }
    return stream
  }

  /// The same, with everything that came since the last time at once: much cheaper in a burst.
  public func eventBatches() -> some AsyncSequence<[NodeEvent], Never> & Sendable { core.broadcaster.subscribe() }

  private var values: ValueOperations { ValueOperations(store: core.store, author: core.author) }
}
