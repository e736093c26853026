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
    let host = try await NodeHost.start(home: configuration.home, options: configuration.options, logger: logger)
    started.host.withLock { $0 = host }
    try Task.checkCancellation()
    let node = host.node
    let events = node.eventBatches()
    let joined = try await task.joinOnce(node)
    if joined { try await addFolders(node) }
    try await announce(node)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await batch in events { try task.printer.print(batch.filter { $0.event != "ready" }) }
        try await Task.sleep(for: .seconds(1_000_000_000))
      }
      group.addTask {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { await rereadConfiguration(node) }
        try await Task.sleep(for: .seconds(1_000_000_000))
      }
      group.addTask {
        if !joined {
          try await task.joinPatiently(node)
          try await addFolders(node)
        }
        for await _ in host.stopRequests { break }
      }
      // The third ends first, on request; the others end early only by failing.
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func addFolders(_ node: RunningNode) async throws {
    try await task.addFolders(node)
    if task.requests.isEmpty { try await addConfigured(configuration, node) }
  }

  private func addConfigured(_ configuration: Configuration, _ node: RunningNode) async throws {
    for path in configuration.options.folders.value {
      let request = FolderRequest(path: try FolderPath.validated(path), joinExisting: task.invite != nil)
      try await node.addFolder(request)
    }
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
