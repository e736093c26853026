internal import Glibc
internal import SoftadastraCore
internal import SoftadastraDiscovery
internal import SoftadastraMetadata
internal import SoftadastraMirror
internal import SoftadastraReplica
internal import SoftadastraStore
internal import SoftadastraSync
internal import SoftadastraTransport
internal import Synchronization
internal import SoftadastraFS

/// What a running node tells about itself, and when it counts as settled.
extension NodeCore {
  func nodeReport() -> NodeReport {
    NodeReport(
      id: nodeID.description, name: options.name.value, hostname: metadata.platform.hostname,
      os: metadata.platform.system, kernel: metadata.platform.kernel, version: softadastraVersion,
      capabilities: metadata.capabilities.sorted(), replica: store.replica.description, group: group.id.description,
      members: view.members.count, running: true, uptimeSeconds: uptimeSeconds, home: home.path)
  }

  private var uptimeSeconds: Double { Double(time.monotonicNanoseconds() - startedAt) / 1e9 }

  func statusReport() async -> StatusReport {
    var folderReports: [StatusReport.Folder] = []
    for folder in folders.values.sorted(by: { $0.name < $1.name }) { folderReports.append(await report(on: folder)) }
    for (folder, error) in stoppedFolders.values {
      folderReports.append(
        StoredFolders.report(on: folder, view.folders[folder.id] ?? "", store, "stopped", error.description))
    }
    var counts = engine.counts(reading: feed)
    for member in view.members.keys where member != nodeID && members[member]?.hello == nil {
      // What waits for those who are away.
      let waiting = spaces.reduce(0) { $0 + pendingItems(for: member, $1, limit: .max).count }
      counts.outbox += waiting
      counts.queued += waiting
    }
    let log = store.log
    return StatusReport(
      node: StatusReport.Node(
        id: nodeID.description, name: options.name.value, version: softadastraVersion, running: true,
        uptimeSeconds: uptimeSeconds, pid: Int(getpid())),
      folders: folderReports, peers: await peerReports(folderReports),
      sync: StatusReport.Sync(
        outbox: counts.outbox, queued: counts.queued, inFlight: counts.inFlight, acknowledged: counts.acknowledged,
        failed: counts.failed, retries: counts.retries),
      store: StatusReport.Store(
        entries: store.entryCount, tombstones: store.tombstoneCount, lastSequence: store.lastSequence),
      wal: StatusReport.WAL(path: log.path, segments: log.segments, bytes: log.bytes, lastSequence: log.lastSequence),
      transport: StatusReport.Transport(
        state: listenAddress == nil ? "off" : "listening", address: listenAddress?.description ?? ""),
      discovery: StatusReport.Discovery(
        state: discovery == nil ? "off" : "running", port: options.discoveryPort.value,
        peers: discovery?.peers.count ?? 0))
  }

  private func report(on folder: FolderHandle) async -> StatusReport.Folder {
    let status = await folder.mirror.status(pendingLimit: StatusReport.maxPendingPaths)
    var blocked = status.blocked.map {
      StatusReport.Blocked(path: $0.path, reason: $0.error.code.rawValue, $0.error.why)
    }
    var notice = ""
    if case .stopped(let error) = status.state { notice = error.description }
    if let error = status.heldDeletions {
      notice = "\(error.why); \(error.hint) \(folder.name)"
      blocked.append(StatusReport.Blocked(path: .root, reason: error.code.rawValue, error.why))
    }
    if let limit = folder.watcher.limit {
      notice = "\(limit.directoriesPolled) directories are polled: \(limit.advice)"
      blocked.append(StatusReport.Blocked(path: .root, reason: "watch-limit", notice))
    }
    var paths = status.pending.map {
      StatusReport.Pending($0.path, direction: "receive", peer: $0.peer?.description, bytes: $0.bytes)
    }
    var toSend: Set<[UInt8]> = []
    for member in view.members.keys where member != nodeID {
      for item in pendingItems(for: member, .folder(folder.id), limit: .max) {
        toSend.insert(item.key)
        guard paths.count < StatusReport.maxPendingPaths, let path = StoreKey.path(ofFileKey: item.key) else {
          continue
        }
        paths.append(
          StatusReport.Pending(path, direction: "send", peer: member.description, bytes: size(ofEntry: item.key)))
      }
    }
    return StatusReport.Folder(
      name: folder.name, id: folder.id.description, path: folder.path, mode: folder.mode.rawValue,
      state: status.state.name, notice: notice, files: status.files, bytes: status.bytes,
      pending: StatusReport.Amount(
        files: status.pendingFiles + status.unobserved + toSend.count,
        bytes: status.pendingBytes + toSend.reduce(0) { $0 + size(ofEntry: $1) }),
      conflicts: status.conflicts, blocked: blocked, pendingPaths: paths)
  }

  /// As the totals of folders count it: without a read of the log.
  private func size(ofEntry key: [UInt8]) -> UInt64 { store.amount(of: key) ?? 0 }

  // MARK: Peers

  private func peerReports(_ folderReports: [StatusReport.Folder]) async -> [StatusReport.Peer] {
    var reports: [StatusReport.Peer] = []
    for (node, record) in view.members.sorted(by: { $0.key < $1.key }) where node != nodeID {
      let member = members[node]
      var toSend = StatusReport.Amount()
      for space in spaces {
        for item in pendingItems(for: node, space, limit: .max) {
          toSend.files += 1
          if case .folder = space { toSend.bytes += size(ofEntry: item.key) }
        }
      }
      let receiving = folderReports.flatMap(\.pendingPaths).filter {
        $0.direction == "receive" && ($0.peer == nil || $0.peer == node.description)
      }
      let addresses = dialer.addresses(of: .node(node))
      reports.append(
        StatusReport.Peer(
          id: node.description, name: registry[node]?.name ?? record.name,
          address: member?.link.address.description ?? addresses.first?.description ?? "",
          state: member?.hello != nil ? "connected" : addresses.isEmpty ? "disconnected" : "connecting", toSend: toSend,
          toReceive: StatusReport.Amount(files: receiving.count, bytes: receiving.reduce(0) { $0 + $1.bytes }),
          lastError: member == nil ? lastErrors[node] : nil,
          compression: member.flatMap { transport?.statistics(of: $0.link.connection) }.map(Self.compression)))
    }
    return reports
  }

  private static func compression(_ statistics: ConnectionStatistics) -> StatusReport.Compression {
    StatusReport.Compression(
      state: statistics.compression.rawValue, sentBytes: statistics.bytesOut, plainBytes: statistics.plainBytesOut,
      linkBytesPerSecond: statistics.linkBytesPerSecond.map { UInt64($0) },
      compressorBytesPerSecond: statistics.compressorBytesPerSecond.map { UInt64($0) })
  }

  private var spaces: [SpaceID] { replicator.spaces }

  /// What a member lacks; for one that is away, by what it had applied when it was last heard.
  private func pendingItems(for node: NodeID, _ space: SpaceID, limit: Int) -> [FeedPage.Item] {
    guard limit > 0 else { return [] }
    if members[node]?.hello != nil { return engine.pending(for: node, space, limit: limit, reading: feed) }
    let away = AwayPeer(node: node, store: store)
    guard let memory = away.memory(of: space) else { return [] }
    var items: [FeedPage.Item] = []
    var since = memory.applied
    while items.count < limit {
      let page = feed.page(of: space, since: since, limit: 1024)
      guard page.through > since else { break }
      items += page.items.filter(memory.lacks)
      since = page.through
    }
    return Array(items.prefix(limit))
  }

  // MARK: Settling

  private static let maxWaitSeconds = 10.0 * 366 * 86_400

  /// Everything seen here is taken in, and everything of ours is applied at the peer.
  func answerSettle(_ id: UInt64, to peer: NodeID) async {
    let isQuiet = await settleLocally(until: ContinuousClock.now + .seconds(20)) { self.isSettled(with: peer) }
    members[peer]?.link.enqueue(.message(.settled(id, isQuiet)))
  }

  func wait(timeoutSeconds: Double, peers wanted: Int) async -> WaitReport {
    let deadline = ContinuousClock.now + .seconds(min(max(0, timeoutSeconds), Self.maxWaitSeconds))
    var reason = ""
    repeat {
      let connected = members.filter { $0.value.hello != nil }.map(\.key)
      if connected.count < wanted {
        reason = "\(connected.count) of \(wanted) peers are connected"
      } else if !(await settleLocally(until: deadline, { connected.allSatisfy { self.isSettled(with: $0) } })) {
        reason = await unsettledReason()
      } else if await askToSettle(connected, until: deadline), await isQuietHere() {
        return WaitReport(done: true, reason: "")
      } else {
        reason = await unsettledReason()
      }
      try? await Task.sleep(for: .milliseconds(20))
    } while ContinuousClock.now < deadline && !isStopping && !Task.isCancelled
    return WaitReport(done: false, reason: reason)
  }

  private func settleLocally(until deadline: ContinuousClock.Instant, _ isDone: () -> Bool) async -> Bool {
    // A folder that waits for bytes nobody has would never settle: the deadline rules.
    let draining = Draining(Array(folders.values))
    while ContinuousClock.now < deadline, !isStopping, !Task.isCancelled {
      if draining.isDone, await isQuietHere(), isDone() { return true }
      try? await Task.sleep(for: .milliseconds(2))
    }
    return false
  }

  private func isQuietHere() async -> Bool {
    for folder in folders.values where !(await folder.mirror.isSettled) { return false }
    return store.durableSequence == store.lastSequence
  }

  private func isSettled(with peer: NodeID) -> Bool {
    guard members[peer]?.hello != nil else { return true }
    // What the feed holds back until the log is written is not among what is pending.
    return spaces.allSatisfy { engine.pending(for: peer, $0, limit: 1, reading: feed).isEmpty }
      && store.durableSequence == store.lastSequence
  }

  private func askToSettle(_ peers: [NodeID], until deadline: ContinuousClock.Instant) async -> Bool {
    for peer in peers {
      let id = nextSettle
      nextSettle += 1
      guard let link = members[peer]?.link else { return false }
      link.enqueue(.message(.settle(id)))
      let timer = Task { [weak self] in
        try? await Task.sleep(until: deadline)
        await self?.settleTimedOut(id)
      }
      let isQuiet = await withTaskCancellationHandler {
        await withCheckedContinuation { settleWaiters[id] = $0 }
      } onCancel: {
        Task { await self.settleTimedOut(id) }
      }
      timer.cancel()
      if !isQuiet { return false }
    }
    return true
  }

  private func settleTimedOut(_ id: UInt64) { settleWaiters.removeValue(forKey: id)?.resume(returning: false) }

  private func unsettledReason() async -> String {
    for folder in folders.values {
      let status = await folder.mirror.status(pendingLimit: 1)
      if case .stopped(let error) = status.state { return error.description }
      if let path = status.pending.first?.path {
        return "\(status.pendingFiles) paths of \(folder.name) are not applied yet, first \(path)"
      }
      if let error = status.heldDeletions { return error.why }
      if status.unobserved > 0 { return "\(status.unobserved) paths of \(folder.name) are not taken in yet" }
    }
    for peer in members.keys where !isSettled(with: peer) { return "\(name(of: peer)) has not applied everything yet" }
    return "a peer is still busy"
  }
}

/// Watchers being drained, and whether they are.
private final class Draining: Sendable {
  private let done = Atomic(false)
  var isDone: Bool { done.load(ordering: .acquiring) }

  init(_ folders: [FolderHandle]) {
    Task {
      for folder in folders { await folder.settle() }
      self.done.store(true, ordering: .releasing)
    }
  }
}

extension StatusReport.Blocked {
  init(path: BytePath, reason: String, _ message: String) {
    let isText = String(validating: path.bytes, as: UTF8.self) != nil
    self.init(
      path: isText ? String(decoding: path.bytes, as: UTF8.self) : path.description,
      pathBase64: isText ? nil : ControlCoding.base64(path.bytes), reason: reason, message: message)
  }
}

extension StatusReport.Pending {
  init(_ path: BytePath, direction: String, peer: String?, bytes: UInt64) {
    let isText = String(validating: path.bytes, as: UTF8.self) != nil
    self.init(
      path: isText ? String(decoding: path.bytes, as: UTF8.self) : path.description,
      pathBase64: isText ? nil : ControlCoding.base64(path.bytes), direction: direction, peer: peer, bytes: bytes)
  }
}
