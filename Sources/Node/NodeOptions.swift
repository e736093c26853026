public import SoftadastraCore

/// How a node runs. Every value carries where it came from, for `softadastra config`.
public struct NodeOptions: Sendable, Equatable {
  public var name: Setting<String>
  /// HOST:PORT; port 0 = any. `[::]` also takes IPv4.
  public var listen: Setting<String>
  /// Static addresses, HOST:PORT each.
  public var peers: Setting<[String]>
  public var discovery: Setting<Bool>
  public var discoveryPort: Setting<Int>
  public var logLevel: Setting<String>
  /// `durable` or `fast`.
  public var durability: Setting<String>
  public var rescanSeconds: Setting<Int>
  /// Folders that `watch` without arguments (the service) mirrors.
  public var folders: Setting<[String]>

  public static let defaultListen = "[::]:22420"
  public static let defaultDiscoveryPort = 22421

  public init(name: String) {
    self.name = Setting(name)
    listen = Setting(Self.defaultListen)
    peers = Setting([])
    discovery = Setting(true)
    discoveryPort = Setting(Self.defaultDiscoveryPort)
    logLevel = Setting("notice")
    durability = Setting("durable")
    rescanSeconds = Setting(3600)
    folders = Setting([])
  }
}
