internal import Glibc
public import SoftadastraCore
internal import SoftadastraMetadata
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import Synchronization

/// A node's home while no node runs on it: read and changed from disk, under the lock.
public final class OfflineNode: NodeService {
  private let home: Home
  private let options: NodeOptions
  let files: NodeFiles

  private init(home: Home, options: NodeOptions, files: NodeFiles) {
    self.home = home
    self.options = options
    self.files = files
  }

  /// - Parameter create: makes the home with a new identity and group where there is none; else `.notFound`.
  /// - Throws: `.conflict` if another process holds the lock.
  public static func open(
    home: Home, options: NodeOptions, create: Bool
  ) async throws(SoftadastraError) -> OfflineNode {
    OfflineNode(home: home, options: options, files: try await NodeFiles.open(home, options, create: create))
  }

  /// A node that keeps nothing: for applications that want a store in memory only.
  public static func inMemory(name: String) throws(SoftadastraError) -> OfflineNode {
    let store = Store.inMemory(time: SystemTime(), random: SystemRandom())
    let group = GroupState.create(random: SystemRandom())
    let files = NodeFiles(
      identity: try NodeFiles.newIdentity(at: "memory"), store: store, group: group, notices: [])
    return OfflineNode(home: Home(path: ""), options: NodeOptions(name: name), files: files)
  }

  public func close() async { await files.store.close() }

  /// Before the first version that is written here: it is a life of the replica like any other.
  private let hasBegun = Mutex(false)

  func beginWriting() async throws(SoftadastraError) {
    let isFirst = hasBegun.withLock { begun in
      defer { begun = true }
      return !begun
    }
    guard isFirst else { return }
    _ = try await ReplicaStart.begin(files.store, node: files.identity.nodeID, nonce: SystemRandom().next())
    try await KeptValues(store: files.store, author: files.identity.nodeID.tag).putAnew()
  }

  private var settings: NodeSettings { NodeSettings(store: files.store) }
  var values: ValueOperations {
    ValueOperations(store: files.store, author: files.identity.nodeID.tag)
  }

  func needsNode(_ what: String) -> SoftadastraError {
    SoftadastraError(.closed, what, why: "no node is running", hint: "start one with: softadastra watch DIR")
  }

  public func status() async throws(SoftadastraError) -> StatusReport {
    let store = files.store
    let view = GroupView(store)
    let log = store.log
    let own = files.identity.nodeID
    return StatusReport(
      node: StatusReport.Node(
        id: own.description, name: options.name.value, version: softadastraVersion, running: false, uptimeSeconds: 0,
        pid: nil),
      folders: settings.folders().map {
        StoredFolders.report(on: $0, view.folders[$0.id] ?? "", store, "stopped", "no node is running")
      },
      peers: view.members.sorted { $0.key < $1.key }.filter { $0.key != own }.map { node, record in
        StatusReport.Peer(
          id: node.description, name: record.name, address: "", state: "disconnected",
          toSend: pendingAmount(node), toReceive: StatusReport.Amount(), lastError: nil, compression: nil)
      },
      sync: StatusReport.Sync(outbox: 0, queued: 0, inFlight: 0, acknowledged: 0, failed: 0, retries: 0),
      store: StatusReport.Store(
        entries: store.entryCount, tombstones: store.tombstoneCount, lastSequence: store.lastSequence),
      wal: StatusReport.WAL(path: log.path, segments: log.segments, bytes: log.bytes, lastSequence: log.lastSequence),
      transport: StatusReport.Transport(state: "off", address: ""),
      discovery: StatusReport.Discovery(state: "off", port: options.discoveryPort.value, peers: 0))
  }

  private func pendingAmount(_ node: NodeID) -> StatusReport.Amount {
    let feed = StoreFeed(files.store)
    let away = AwayPeer(node: node, store: files.store)
    var amount = StatusReport.Amount()
    for space in [.group, .values] + settings.folders().map({ SpaceID.folder($0.id) }) {
      guard let memory = away.memory(of: space) else { continue }
      var since = memory.applied
      while true {
        let page = feed.page(of: space, since: since, limit: 1024)
        guard page.through > since else { break }
        amount.files += page.items.count(where: memory.lacks)
        since = page.through
      }
    }
    return amount
  }

  public func node() async throws(SoftadastraError) -> NodeReport {
    let platform = PlatformInfo.collect()
    return NodeReport(
      id: files.identity.nodeID.description, name: options.name.value, hostname: platform.hostname,
      os: platform.system, kernel: platform.kernel, version: softadastraVersion, capabilities: [],
      replica: files.store.replica.description, group: files.group.id.description,
      members: GroupView(files.store).members.count, running: false, uptimeSeconds: 0, home: home.path)
  }

  public func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String {
    let now = UInt64(max(0, SystemTime().wallMilliseconds() / 1000))
    let port = options.listen.value.split(separator: ":").last.flatMap { Int($0) } ?? 0
    let addresses = port == 0 ? [] : LocalAddresses.all().map { $0.contains(":") ? "[\($0)]:\(port)" : "\($0):\(port)" }
    let invite = Invite(
      inviter: files.identity.nodeID, secret: SystemRandom().bytes(Invite.secretBytes),
      expires: now + UInt64(max(1, expiresSeconds)), addresses: Array(addresses.prefix(Invite.maxAddresses)))
    let open = OpenInvite(invite: invite, uses: max(1, min(uses, OpenInvite.maxRedeemers)))
    try await commit([settings.inviteMutation(open)])
    return invite.text
  }

  public func join(_ invite: String) async throws(SoftadastraError) {
    let invite = try Invite(text: invite)
    if invite.inviter == files.identity.nodeID {
      throw SoftadastraError(.invalid, "invite", why: "it is this node's own", hint: "use it on the other machine")
    }
    let members = GroupView(files.store).members
    if members[invite.inviter] != nil { return }
    guard members.keys.allSatisfy({ $0 == files.identity.nodeID }) else {
      throw SoftadastraError(
        .conflict, "join", why: "this node is in a group with other members",
        hint: "let it leave that group first, or use another --home")
    }
    try await commit([settings.pendingJoinMutation(invite)])
  }

  public func addPeerAddress(_ address: String) async throws(SoftadastraError) {
    try await commit([settings.peerAddressMutation(try PeerAddressText.checked(address))])
  }

  public func removePeerAddress(_ address: String) async throws(SoftadastraError) {
    try await commit([try settings.peerAddressRemoval(checking: address)])
  }

  public func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport] {
    try await Announcements.heard(
      onPort: options.discoveryPort.value, key: files.group.discoveryKey, by: files.identity.nodeID, seconds: seconds)
  }

  public func put(key: [UInt8], value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport {
    try await beginWriting()
    return try await values.put(key, value, ifVersion: ifVersion)
  }

  public func get(key: [UInt8]) async throws(SoftadastraError) -> ValueReport { try values.get(key) }
  public func remove(key: [UInt8]) async throws(SoftadastraError) {
    try await beginWriting()
    try await values.remove(key)
  }

  public func list(prefix: [UInt8], after: [UInt8]?, limit: Int) async throws(SoftadastraError) -> [ValueReport] {
    values.list(prefix, after: after, limit: limit)
  }

  public func compactLog() async throws(SoftadastraError) { try files.store.compact() }

  func commit(_ mutations: [Mutation]) async throws(SoftadastraError) {
    try await files.store.wait(try files.store.commit(mutations))
  }

  public func stop() async throws(SoftadastraError) { throw needsNode("stop") }
  public func addFolder(_ request: FolderRequest) async throws(SoftadastraError) { throw needsNode("watch") }
  public func retry(_ path: [String]) async throws(SoftadastraError) { throw needsNode("retry") }
  public func tick() async throws(SoftadastraError) -> TickReport { throw needsNode("tick") }

  public func wait(timeoutSeconds: Double, peers: Int) async throws(SoftadastraError) -> WaitReport {
    throw needsNode("wait")
  }

  public func watchValues(prefix: [UInt8]) async throws(SoftadastraError) -> AsyncStream<ValueReport> {
    ValueWatch.stream(files.store, prefix: prefix, values)
  }

  public func events() async throws(SoftadastraError) -> AsyncStream<NodeEvent> { throw needsNode("events") }
}
