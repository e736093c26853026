/// How a client keeps its data and whether it talks to anybody. Nothing is on until asked for.
public struct ClientOptions: Sendable, Equatable {
  /// What a returned `put` promises.
  public enum Storage: Sendable, Equatable {
    /// Gone with the client. No file is touched.
    case memory
    /// In this directory; on the disk when a call returns.
    case durable(path: String)
    /// In this directory; on the disk about a second later. A crash of the machine may cost that second.
    case fast(path: String)
  }

  public var storage: Storage
  /// Shown to other nodes.
  public var name: String
  /// `HOST:PORT` to listen on, port 0 for any; nil leaves the network alone. Needs a directory.
  public var listen: String?
  /// Find members of the group on the local network. Only with `listen`.
  public var discovery: Bool
  /// Addresses of nodes to connect to, `HOST:PORT` each. Only with `listen`.
  public var peers: [String]

  public init(
    storage: Storage, name: String = "client", listen: String? = nil, discovery: Bool = false, peers: [String] = []
  ) {
    self.storage = storage
    self.name = name
    self.listen = listen
    self.discovery = discovery
    self.peers = peers
  }

  public static let memoryOnly = ClientOptions(storage: .memory)
  public static func durable(_ path: String) -> ClientOptions { ClientOptions(storage: .durable(path: path)) }
  public static func fast(_ path: String) -> ClientOptions { ClientOptions(storage: .fast(path: path)) }
}
