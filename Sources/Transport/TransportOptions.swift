public import SoftadastraCore

/// Whether payloads are compressed on their way out. What arrives compressed is always understood.
public enum CompressionMode: String, Sendable, Hashable, CaseIterable {
  /// Where it makes the connection faster: measured for each connection.
  case auto
  /// Every payload that the caller offers and that becomes smaller.
  case always
  case never
}

/// The limits and deadlines of a `Transport`. The defaults suit a node.
public struct TransportOptions: Sendable {
  /// From the first byte of a connection to the end of the exchange of preambles; also for connecting.
  public var handshakeDeadline: Duration = .seconds(10)
  /// After this long without sending, a ping is sent.
  public var pingInterval: Duration = .seconds(20)
  /// After this long without receiving, the connection is dead.
  public var idleDeadline: Duration = .seconds(60)
  /// How long a connection has to say something that may be dead (`Transport.verify`).
  public var answerDeadline: Duration = .seconds(5)
  /// How long a closed connection may take to send what is queued.
  public var closeDeadline: Duration = .seconds(2)
  /// False: who has finished the handshake is a stranger until `Transport.admit`.
  public var admitsEveryone = true
  /// The largest payload that is taken from a stranger, also when decompressed.
  public var maxStrangerPayloadBytes = 64 << 10
  /// Incoming connections that have not finished their handshake, or of strangers.
  public var maxUnauthenticatedPerSource = 16
  public var maxUnauthenticated = 128
  /// Incoming connections in all.
  public var maxConnectionsPerSource = 256
  public var maxConnections = 1024
  /// Above this many queued bytes a connection's senders wait …
  public var highWaterBytes = 8 << 20
  /// … until the queue has shrunk to this.
  public var lowWaterBytes = 4 << 20
  public var compression: CompressionMode = .auto
  /// Protocol versions to offer. Anything but the default is for tests.
  public var protocolVersions: ClosedRange<UInt16> = Transport.protocolVersions
  /// Nil for as many as there are processors, two at most.
  public var eventLoops: Int?

  public init() {}
}

/// What happens on a transport's connections. Each `connected` is followed by exactly one `disconnected`.
public enum TransportEvent: Sendable {
  /// A peer proved its key and speaks our protocol. The address is where the connection comes from or goes to.
  case connected(ConnectionID, PeerIdentity, PeerAddress, isInbound: Bool)
  /// All frames that one read completed, in order.
  case frames(ConnectionID, [Frame])
  /// The error is nil when this side closed the connection.
  case disconnected(ConnectionID, SoftadastraError?)
  case dialFailed(NodeID?, PeerAddress, SoftadastraError)
}

/// A connection's measured state, at the moment of asking.
public struct ConnectionStatistics: Sendable, Hashable {
  /// Bytes of frames as sent and received, without what TLS adds (0.2 % for large frames).
  public var bytesIn: UInt64 = 0
  public var bytesOut: UInt64 = 0
  /// The same frames before compression.
  public var plainBytesIn: UInt64 = 0
  public var plainBytesOut: UInt64 = 0
  public var framesIn: UInt64 = 0
  public var framesOut: UInt64 = 0
  /// Of the last answered ping; nil before the first.
  public var roundTrip: Duration?
  public var compression: CompressionState = .sampling
  /// As last measured while plain payloads filled the queue; nil before.
  public var linkBytesPerSecond: Double?
  /// Of the compressor on this connection's payloads; nil before the first.
  public var compressorBytesPerSecond: Double?

  public init() {}
}

/// What `CompressionMode.auto` currently does, and why.
public enum CompressionState: String, Sendable, Hashable {
  /// Not enough was sent yet to decide; compressing.
  case sampling
  case active
  /// The link is much slower than the compressor: compressing harder.
  case strong
  /// What was tried last became hardly smaller: paused for a while.
  case incompressible
  /// More arrives when nothing is compressed.
  case linkFaster = "link-faster"
  /// Sending some payloads plain to see whether more arrives.
  case measuringLink = "measuring-link"
  case disabled
}
