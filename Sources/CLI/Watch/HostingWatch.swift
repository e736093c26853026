internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import SoftadastraCore
internal import SoftadastraNode
internal import Synchronization
internal import UnixSignals

/// `watch` as the node's own process.
struct HostingWatch: Service {
  let configuration: Configuration
  let reload: @Sendable () throws -> Configuration
  let task: WatchTask
  let logger: Logger

  static let inviteSeconds = 24 * 3600

  private final class Started: Sendable {
    let host = Mutex<NodeHost?>(nil)
  }

  func run() async throws {
    let started = Started()
    var failure: (any Error)?
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await work(started) }
        group.addTask {
          try? await gracefulShutdown()
          // A second signal ends the process at once, whatever hangs.
          signal(SIGINT, SIG_DFL)
          signal(SIGTERM, SIG_DFL)
          throw CancellationError()
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch is CancellationError {
      // Asked to end: whatever was under way is not an error.
    } catch {
      failure = error
    }
    await started.host.withLock { $0 }?.shutdown()
    if let failure { throw failure }
  }

  /// Returns when the node is asked to stop.
  private func work(_ started: Started) async throws {
    // Until it can be answered it waits; it would end the process.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let host = try await start()
    started.host.withLock { $0 = host }
    try Task.checkCancellation()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await watch(host.node)
        try await Self.untilCancelled()
      }
      group.addTask {
        for await _ in hangups { await rereadConfiguration(host.node) }
        try await Self.untilCancelled()
      }
      group.addTask { for await _ in host.stopRequests { break } }
      // The last ends first, on request; the others end early only by failing.
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Waits a while for a home that a command holds, or a node that is just ending.
  private func start() async throws -> NodeHost {
    let clock = ContinuousClock()
    let deadline = clock.now + NodeAccess.lockPatience
    while true {
      do throws(SoftadastraError) {
        return try await NodeHost.start(home: configuration.home, options: configuration.options, logger: logger)
      } catch {
        guard error.code == .conflict, NodeHost.isHeld(configuration.home), clock.now < deadline,
          try await !ControlClient(home: configuration.home).isRunning()
        else { throw error }
      }
      try await Task.sleep(for: NodeAccess.lockPause)
    }
  }

  private static func untilCancelled() async throws {
    while true { try await Task.sleep(for: .seconds(86_400)) }
  }

  /// Prints what happens, for ever, and meanwhile goes on with what has to wait for others.
  private func watch(_ node: RunningNode) async throws {
    let events = node.eventBatches()
    let isJoined = try await task.joinOnce(node)
    var isWatching = false
    if isJoined {
      isWatching = try await WatchTask.once(orSay: "new folders wait for the invite that this node was given") {
        try await addFolders(node)
      }
    }
    try await announce(node)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await batch in events { try await task.printer.print(batch.filter { $0.event != "ready" }) }
      }
      group.addTask { [isWatching] in
        if !isJoined { try await task.joinPatiently(node) }
        guard !isWatching else { return }
        try await WatchTask.patiently { try await addFolders(node) }
      }
      try await group.waitForAll()
    }
  }

  private func addFolders(_ node: RunningNode) async throws {
    try await task.addFolders(node)
    if task.requests.isEmpty { try await addConfigured(configuration, node) }
  }

  /// One that cannot be mirrored does not keep the others from it.
  private func addConfigured(_ configuration: Configuration, _ node: RunningNode) async throws {
    var failures: [any Error] = []
    for path in configuration.options.folders.value {
      do {
        try await node.addFolder(
          FolderRequest(path: try FolderPath.validated(path), joinExisting: task.invite != nil))
      } catch { failures.append(error) }
    }
    guard let first = failures.first else { return }
    // What waits for an invite is tried again, and with it the others.
    if let waiting = failures.first(where: WatchTask.mayHeal) { throw waiting }
    if failures.count == configuration.options.folders.value.count { throw first }
    for failure in failures { Output.message("warning: \(failure)") }
  }

  private func announce(_ node: RunningNode) async throws {
    var invite: String?
    // Without a folder on the command line this is the service: nobody is there to read an invite.
    if task.invite == nil, !task.requests.isEmpty, node.canInvite {
      invite = try await node.invite(expiresSeconds: Self.inviteSeconds, uses: 1)
    }
    for notice in node.startupNotices { Output.message(notice) }
    if let invite {
      Output.message("to mirror it on another machine, run there:")
      Output.message("  softadastra watch \(task.shownDirectory) --join \(invite)")
    }
    try task.printer.ready(nodeID: node.nodeID.description, address: node.listenAddress, invite: invite)
  }

  private func rereadConfiguration(_ node: RunningNode) async {
    do {
      let fresh = try reload()
      await node.reload(fresh.options)
      if task.requests.isEmpty { try await addConfigured(fresh, node) }
      Output.message("configuration read again")
    } catch {
      // What runs keeps running as before.
      Output.message("configuration not taken: \(error)")
    }
  }
}
