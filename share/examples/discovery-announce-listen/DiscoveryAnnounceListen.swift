import Logging
import SoftadastraCore
import SoftadastraDiscovery
import SoftadastraTransport

/// Two nodes of one group find each other by UDP announcements that outsiders cannot read.
@main
struct DiscoveryAnnounceListen {
  static func main() async throws {
    let key = SystemRandom().bytes(32)
    let port = UInt16.random(in: 30_000...60_000)
    let (found, sink) = AsyncStream<DiscoveredPeer>.makeStream()
    func service(_ id: UInt8, _ onEvent: @escaping @Sendable (DiscoveryEvent) -> Void) throws -> DiscoveryService {
      guard let node = NodeID(bytes: [UInt8](repeating: id, count: NodeID.byteCount)) else { fatalError("bad ID") }
      var options = DiscoveryOptions()
      options.port = port
      let identity = DiscoveryIdentity(nodeID: node, listenPort: 22_420, startNonce: UInt64(id))
      return DiscoveryService(
        options: options, identity: identity, discoveryKey: key, logger: Logger(label: "example"), onEvent: onEvent)
    }
    let announcer = try service(1) { _ in }
    let listener = try service(2) { event in
      if case .found(let peer) = event { sink.yield(peer) }
    }
    try await announcer.start()
    try await listener.start()
    for await peer in found {
      print("found", peer.nodeID.short, "at", peer.addresses)
      break
    }
    await announcer.stop()
    await listener.stop()
  }
}
