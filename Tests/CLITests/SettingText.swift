import SoftadastraNode

/// The settings as the manual describes them.
enum SettingText {
  struct Row {
    var name: String
    var variable: String
    var meaning: String
  }

  static var rows: [Row] {
    SettingKey.allCases.map { key in
      Row(name: key.rawValue, variable: "$" + key.environmentName, meaning: meaning(key))
    }
  }

  private static func meaning(_ key: SettingKey) -> String {
    switch key {
    case .name: "What peers call this node. Default: the host's name."
    case .listen: "Where to listen for peers, HOST:PORT; port 0 takes any. Default: \(NodeOptions.defaultListen)."
    case .peers: "Addresses where peers may be found, an array of HOST:PORT; in the variable separated by commas."
    case .discovery: "Whether to announce this node and listen for others: true or false. Default: true."
    case .discoveryPort: "The UDP port of discovery. Default: \(NodeOptions.defaultDiscoveryPort)."
    case .logLevel: "Log from this level on: \(NodeOptions.logLevels.joined(separator: ", ")). Default: notice."
    case .durability:
      "When a value or a change counts as kept: 'durable' outlives a power cut, 'fast' outlives the process and is synced within a second. Default: durable."
    case .rescanSeconds:
      "How often each folder is looked through for changes that raise no event, in seconds. Default: 3600."
    case .minFreePercent:
      "How much of a folder's filesystem stays free, in percent: files from peers that do not fit wait until there is room. 0 lets them fill it. Default: \(NodeOptions.defaultMinFreePercent)."
    case .versionsDays:
      "How long earlier versions of files are kept, in days; 0 for ever. Default: \(NodeOptions.defaultVersionsDays)."
    case .versionsMiB:
      "How many MiB of earlier versions each folder keeps, never more than a tenth of its filesystem; the oldest go first, 0 is no limit. Default: \(NodeOptions.defaultVersionsMiB)."
    case .awayDays:
      "How long a deletion is remembered for members of the group that are away, in days. Who returns later is asked what it has, and puts into its archive what was deleted meanwhile. Default: \(NodeOptions.defaultAwayDays)."
    case .folders:
      "The folders that 'softadastra watch' without arguments mirrors, an array of paths; ~/ stands for the home directory. In the variable separated by colons."
    }
  }
}
