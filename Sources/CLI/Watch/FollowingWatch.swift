internal import ServiceLifecycle
internal import SoftadastraCore
internal import SoftadastraNode

/// `watch` while a node runs already for this home: asks it to add the folders, then follows it.
struct FollowingWatch: Service {
  let client: ControlClient
  let task: WatchTask
  /// Given, but decided by whoever started the node.
  let ignoredFlags: [String]

  func run() async throws {
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await work() }
        group.addTask {
          try? await gracefulShutdown()
          throw CancellationError()
        }
        defer { group.cancelAll() }
        try await group.next()
      }
    } catch is CancellationError {
      // The node goes on without us.
    }
  }

  private func work() async throws {
    let events = try await client.events()
    for address in task.peers { try await client.addPeerAddress(address) }
    let joined = try await task.joinOnce(client)
    if joined { try await task.addFolders(client) }
    let status = try await client.status()
    Output.message("a node is already running for this home; following it, it goes on when this ends")
    for flag in ignoredFlags { Output.message("\(flag) has no effect on it") }
    try task.printer.ready(nodeID: status.node.id, address: status.transport.address, invite: nil)
    if !joined {
      try await task.joinPatiently(client)
      try await task.addFolders(client)
    }
    for await event in events where event.event != "ready" { try await task.printer.print([event]) }
    throw CommandFailure("the node has ended", exitCode: Program.Exit.noNode)
  }
}
