public import SoftadastraCore
internal import SoftadastraFS

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
  /// Percent of a folder's filesystem that files from peers leave free.
  public var minFreePercent: Setting<Int>
  /// How long the versions archive keeps a file; 0 for ever.
  public var versionsDays: Setting<Int>
  /// How large each folder's versions archive may become; 0 without limit.
  public var versionsMiB: Setting<Int>
  /// How long a deletion is remembered for members that are away, at least.
  public var awayDays: Setting<Int>
  /// Folders that `watch` without arguments (the service) mirrors.
  public var folders: Setting<[String]>

  public static let defaultListen = "[::]:22420"
  public static let defaultDiscoveryPort = 22421

  public static let defaultMinFreePercent = 1
  public static let defaultVersionsDays = 365
  public static let defaultVersionsMiB = 10 << 10
  public static let defaultAwayDays = 90

  public init(name: String) {
    self.name = Setting(name)
    listen = Setting(Self.defaultListen)
    peers = Setting([])
    discovery = Setting(true)
    discoveryPort = Setting(Self.defaultDiscoveryPort)
    logLevel = Setting("notice")
    durability = Setting("durable")
    rescanSeconds = Setting(3600)
    minFreePercent = Setting(Self.defaultMinFreePercent)
    versionsDays = Setting(Self.defaultVersionsDays)
    versionsMiB = Setting(Self.defaultVersionsMiB)
    awayDays = Setting(Self.defaultAwayDays)
    folders = Setting([])
  }
}

extension NodeOptions {
  var versionsPolicy: VersionsPolicy {
    VersionsPolicy(
      maxAgeSeconds: Int64(versionsDays.value) * 86_400, maxBytes: UInt64(max(0, versionsMiB.value)) << 20)
  }
}
