internal import Logging
internal import SoftadastraCore
internal import SoftadastraDiscovery

/// Which nodes of the group say on the local links that they are there.
enum Announcements {
  static let maxSeconds = 86_400.0

  /// Asks everyone, and collects who is heard of in that time: one report for each address.
  static func heard(
    by service: DiscoveryService, besides own: NodeID, seconds: Double, _ time: any TimeSource
  ) async -> [DiscoveredReport] {
    let begun = time.monotonicNanoseconds()
    service.probe()
    let span = seconds.isFinite ? min(max(0, seconds), maxSeconds) : 0
    await time.sleep(nanoseconds: UInt64(span * 1e9))
    return service.peers
      .filter { $0.nodeID != own && $0.via == .group && $0.lastSeen >= begun }
      .sorted { $0.nodeID < $1.nodeID }
      .flatMap { peer in peer.addresses.map { DiscoveredReport(id: peer.nodeID.description, address: $0.description) } }
  }

  /// The same where no node runs: listens for that time, and announces nobody.
  static func heard(
    onPort port: Int, key: [UInt8], by own: NodeID, seconds: Double
  ) async throws(SoftadastraError) -> [DiscoveredReport] {
    var options = DiscoveryOptions()
    options.port = UInt16(clamping: port)
    options.announces = false
    let time = SystemTime()
    let service = DiscoveryService(
      options: options,
      identity: DiscoveryIdentity(nodeID: own, listenPort: 0, startNonce: SystemRandom().next()), discoveryKey: key,
      time: time, logger: Logger(label: "discover", factory: { _ in SwiftLogNoOpLogHandler() })
    ) { _ in }
    try await service.start()
    let found = await heard(by: service, besides: own, seconds: seconds, time)
    await service.stop()
    return found
  }
}
