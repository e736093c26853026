public import SoftadastraCore
public import SoftadastraTransport

/// A node that was heard of. A hint, never a proof: who it is shows only when it is connected.
public struct DiscoveredPeer: Hashable, Sendable {
  public enum State: String, Sendable, Hashable {
    case alive
    /// Not heard for a while.
    case stale
    /// About to be forgotten.
    case expired
  }

  /// Under which key it was found.
  public enum Via: Hashable, Sendable {
    case group
    /// An open invite's key, as it was given to `setKeys`.
    case additional([UInt8])
  }

  public var nodeID: NodeID
  /// Differs between two starts, and between two clones of one state directory.
  public var startNonce: UInt64
  /// Where it listens, the latest heard first.
  public var addresses: [PeerAddress]
  /// Monotonic nanoseconds.
  public var lastSeen: UInt64
  public var state: State
  public var via: Via

  public init(
    nodeID: NodeID, startNonce: UInt64, addresses: [PeerAddress], lastSeen: UInt64, state: State, via: Via = .group
  ) {
    self.nodeID = nodeID
    self.startNonce = startNonce
    self.addresses = addresses
    self.lastSeen = lastSeen
    self.state = state
    self.via = via
  }
}

/// What discovery tells its user.
public enum DiscoveryEvent: Sendable, Hashable {
  /// A new peer, or one with a new address, or one that was stale and is back: worth dialling.
  case found(DiscoveredPeer)
  /// It said goodbye, or was not heard for too long.
  case lost(DiscoveredPeer)
  /// The kernel told of a change: what this machine's addresses are may be another matter now.
  case addressesChanged
  /// An interface came, went or changed its address: what could not be reached may be reachable now.
  case networkChanged
}
