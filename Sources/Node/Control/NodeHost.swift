internal import Glibc
public import Logging
public import SoftadastraCore
internal import SoftadastraWAL

/// A running node together with its control socket: what `watch`, the service and the SDK start.
public final class NodeHost: Sendable {
  public let node: RunningNode
  private let control: ControlServer
  /// Ends when somebody asked the node to stop over the socket.
  public let stopRequests: AsyncStream<Void>

  private init(node: RunningNode, control: ControlServer, stopRequests: AsyncStream<Void>) {
    self.node = node
    self.control = control
    self.stopRequests = stopRequests
  }

  /// Takes the home's lock, starts the node, then listens on the control socket. `.conflict` if another process holds
  /// the lock. When the socket cannot be made, the node is shut down again.
  public static func start(home: Home, options: NodeOptions, logger: Logger)
    async throws(SoftadastraError) -> NodeHost
  {
    let node = try await RunningNode.start(home: home, options: options, logger: logger)
    let (requests, continuation) = AsyncStream<Void>.makeStream()
    do throws(SoftadastraError) {
      let control = try await ControlServer.start(node, home: home, logger: logger) {
        continuation.yield()
        continuation.finish()
      }
      return NodeHost(node: node, control: control, stopRequests: requests)
    } catch {
      await node.shutdown()
      throw error
    }
  }

  /// Whether a process has the home: its node may have left the control socket already, and be ending.
  public static func isHeld(_ home: Home) -> Bool {
    guard access(home.logDirectory, F_OK) == 0 else { return false }
    do throws(SoftadastraError) {
      _ = try SystemDisk(path: home.logDirectory).lock("lock")
      return false
    } catch { return error.code == .conflict }
  }

  /// Ends the connections of commands first, then the node; returns when everything is on disk.
  public func shutdown() async {
    await control.close()
    await node.shutdown()
  }
}
