public import SoftadastraCore

/// How discovery listens and announces.
public struct DiscoveryOptions: Sendable {
  public static let defaultPort: UInt16 = 22421
  /// Interfaces beyond this are not served: each costs a socket.
  public static let maxInterfaces = 32
  /// Keys of open invites beside the group's own.
  public static let maxAdditionalKeys = 16

  /// The UDP port, the same on all nodes; several nodes of one host share it.
  public var port: UInt16 = Self.defaultPort
  public var announceInterval: Duration = .seconds(15)
  /// How often the table is aged. The kernel tells of changed interfaces; where it does not, or something could not be
  /// sent, they are looked at after `restlessInterval` at the latest.
  public var checkInterval: Duration = .seconds(15)
  /// Between two looks at the interfaces while one of them is due, or the kernel does not tell of changes.
  public var restlessInterval: Duration = .seconds(5)
  /// Nil for all that are up, loopback included.
  public var interfaces: Set<String>?
  /// Off for a mere listener: it probes, but does not say who it is to those who probe.
  public var announces = true
  public var usesIPv6 = true

  public init() {}
}

/// What a node announces.
public struct DiscoveryIdentity: Sendable, Hashable {
  public var nodeID: NodeID
  /// Of the TCP socket; 0 announces a node that cannot be dialled.
  public var listenPort: UInt16
  /// Drawn at each start: tells this node's own packets from those of a clone.
  public var startNonce: UInt64

  public init(nodeID: NodeID, listenPort: UInt16, startNonce: UInt64) {
    self.nodeID = nodeID
    self.listenPort = listenPort
    self.startNonce = startNonce
  }
}
