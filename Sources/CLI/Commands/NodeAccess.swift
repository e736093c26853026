internal import SoftadastraCore
internal import SoftadastraNode

/// How a command reaches its node: the running one over the control socket, else its files under the lock.
enum NodeAccess {
  /// How long to wait for a home that another short command holds, or whose node is just starting.
  static let lockPatience = Duration.seconds(5)
  static let lockPause = Duration.milliseconds(50)

  /// - Parameter create: make the home, with an identity, where there is none yet.
  static func with<T>(
    _ configuration: Configuration, create: Bool = false, _ body: (any NodeService) async throws -> T
  ) async throws -> T {
    let clock = ContinuousClock()
    let deadline = clock.now + lockPatience
    while true {
      let client = ControlClient(home: configuration.home)
      if try await client.isRunning() { return try await body(client) }
      let offline: OfflineNode
      do throws(SoftadastraError) {
        offline = try await OfflineNode.open(
          home: configuration.home, options: configuration.options, create: create)
      } catch {
        guard error.code == .conflict, clock.now < deadline else { throw error }
        try await Task.sleep(for: lockPause)
        continue
      }
      do {
        let value = try await body(offline)
        await offline.close()
        return value
      } catch {
        await offline.close()
        throw error
      }
    }
  }

  /// For what only a running node can do; 69 without one.
  static func withRunning<T>(
    _ configuration: Configuration, _ body: (any NodeService) async throws -> T
  ) async throws -> T {
    let client = ControlClient(home: configuration.home)
    guard try await client.isRunning() else { throw ControlClient.notRunning(configuration.home) }
    return try await body(client)
  }
}
