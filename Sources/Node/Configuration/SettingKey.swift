/// The settings of a node, by their names in the configuration file.
public enum SettingKey: String, CaseIterable, Sendable {
  case name
  case listen
  case peers
  case discovery
  case discoveryPort = "discovery-port"
  case logLevel = "log-level"
  case durability
  case rescanSeconds = "rescan-seconds"
  case minFreePercent = "min-free-percent"
  case versionsDays = "versions-days"
  case versionsMiB = "versions-mib"
  case awayDays = "away-days"
  case folders

  /// What a value of this setting must look like.
  enum Form: Sendable {
    case text
    /// HOST:PORT
    case address
    case number(ClosedRange<Int>)
    case flag
    case choice([String])
    /// HOST:PORT each; separated by commas in the environment.
    case addresses
    /// Absolute, or below `~/`; separated by colons in the environment, as PATH is.
    case paths
  }

  var form: Form {
    switch self {
    case .name: .text
    case .listen: .address
    case .peers: .addresses
    case .discovery: .flag
    case .discoveryPort: .number(1...65535)
    case .logLevel: .choice(NodeOptions.logLevels)
    case .durability: .choice(["durable", "fast"])
    // Below a minute a scan would hardly end before the next begins; above a year the number is a mistake.
    case .rescanSeconds: .number(60...31_536_000)
    case .minFreePercent: .number(0...50)
    case .versionsDays: .number(0...36_500)
    // Up to a tebibyte times 1024: above it the number is a mistake.
    case .versionsMiB: .number(0...(1 << 30))
    case .awayDays: .number(0...36_500)
    case .folders: .paths
    }
  }

  /// `SOFTADASTRA_DISCOVERY_PORT` for `discovery-port`.
  public var environmentName: String {
    "SOFTADASTRA_" + rawValue.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
  }
}

extension NodeOptions {
  /// From the most to the least talkative.
  public static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
}

/// A value of a setting, whatever its source.
public enum SettingValue: Sendable, Equatable {
  case text(String)
  case number(Int)
  case flag(Bool)
  case list([String])

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .text: "a string"
    case .number: "a whole number"
    case .flag: "true or false"
    case .list: "an array of strings"
    }
  }
}
