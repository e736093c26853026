internal import Glibc
public import SoftadastraCore

/// The effective settings, where each came from, and the home they are for.
///
/// The strongest source wins: flags, then `SOFTADASTRA_*` variables, then the configuration file, then defaults.
public struct Configuration: Sendable, Equatable {
  /// A setting that a command's flag gives; the name is what `config` shows as its source.
  public struct Flag: Sendable, Equatable {
    public var name: String
    public var value: SettingValue
    public init(_ name: String, _ value: SettingValue) {
      self.name = name
      self.value = value
    }
  }

  /// One row of `softadastra config`.
  public struct Entry: Codable, Sendable, Equatable {
    public var name: String
    /// Lists joined by commas.
    public var value: String
    public var source: String
  }

  public var home: Home
  public var homeSource: SettingSource
  /// The file that was looked for.
  public var file: String
  public var fileExists: Bool
  public var options: NodeOptions

  /// Reads the environment and the file. Nothing is created.
  ///
  /// - Parameter home: the value of `--home`; then the file lies in the home, else where XDG says.
  public static func load(
    home: String?, flags: [SettingKey: Flag] = [:], environment: [String: String]
  ) throws(SoftadastraError) -> Configuration {
    let places = try ConfigurationPlaces(home: home, environment: environment)
    let file = try ConfigurationFile.read(places.file)
    var options = NodeOptions(name: hostName())
    for key in SettingKey.allCases {
      if let flag = flags[key] {
        if let why = SettingRules.refusal(flag.value, for: key) {
          throw SoftadastraError(.invalid, flag.name, why: why)
        }
        options.set(key, flag.value, .flag(flag.name), places.userHome)
      } else if let text = environment[key.environmentName], !text.isEmpty {
        let name = key.environmentName
        guard let value = SettingRules.parse(text, for: key) else {
          throw SoftadastraError(.invalid, "$\(name)", why: "takes \(SettingRules.expected(key)), not '\(text)'")
        }
        if let why = SettingRules.refusal(value, for: key) { throw SoftadastraError(.invalid, "$\(name)", why: why) }
        options.set(key, value, .environment(name), places.userHome)
      } else if let (value, line) = file?.settings[key] {
        options.set(key, value, .file(path: places.file, line: line), places.userHome)
      }
    }
    return Configuration(
      home: Home(path: places.home), homeSource: places.homeSource, file: places.file, fileExists: file != nil,
      options: options)
  }

  public var entries: [Entry] {
    var out = [Entry(name: "home", value: home.path, source: homeSource.description)]
    func row(_ key: SettingKey, _ value: String, _ source: SettingSource) {
      out.append(Entry(name: key.rawValue, value: value, source: source.description))
    }
    for key in SettingKey.allCases {
      switch key {
      case .name: row(key, options.name.value, options.name.source)
      case .listen: row(key, options.listen.value, options.listen.source)
      case .peers: row(key, options.peers.value.joined(separator: ","), options.peers.source)
      case .discovery: row(key, "\(options.discovery.value)", options.discovery.source)
      case .discoveryPort: row(key, "\(options.discoveryPort.value)", options.discoveryPort.source)
      case .logLevel: row(key, options.logLevel.value, options.logLevel.source)
      case .durability: row(key, options.durability.value, options.durability.source)
      case .rescanSeconds: row(key, "\(options.rescanSeconds.value)", options.rescanSeconds.source)
      case .minFreePercent: row(key, "\(options.minFreePercent.value)", options.minFreePercent.source)
      case .versionsDays: row(key, "\(options.versionsDays.value)", options.versionsDays.source)
      case .versionsMiB: row(key, "\(options.versionsMiB.value)", options.versionsMiB.source)
      case .awayDays: row(key, "\(options.awayDays.value)", options.awayDays.source)
      case .folders: row(key, options.folders.value.joined(separator: ","), options.folders.source)
      }
    }
    return out
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "node" }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "node" : name
  }
}

extension NodeOptions {
  /// The value was checked for the key before.
  fileprivate mutating func set(
    _ key: SettingKey, _ value: SettingValue, _ source: SettingSource, _ userHome: String?
  ) {
    switch (key, value) {
    case (.name, .text(let text)): name = Setting(text, from: source)
    case (.listen, .text(let text)): listen = Setting(text, from: source)
    case (.peers, .list(let list)): peers = Setting(list, from: source)
    case (.discovery, .flag(let flag)): discovery = Setting(flag, from: source)
    case (.discoveryPort, .number(let number)): discoveryPort = Setting(number, from: source)
    case (.logLevel, .text(let text)): logLevel = Setting(text, from: source)
    case (.durability, .text(let text)): durability = Setting(text, from: source)
    case (.rescanSeconds, .number(let number)): rescanSeconds = Setting(number, from: source)
    case (.minFreePercent, .number(let number)): minFreePercent = Setting(number, from: source)
    case (.versionsDays, .number(let number)): versionsDays = Setting(number, from: source)
    case (.versionsMiB, .number(let number)): versionsMiB = Setting(number, from: source)
    case (.awayDays, .number(let number)): awayDays = Setting(number, from: source)
    case (.folders, .list(let list)):
      folders = Setting(list.map { ConfigurationPlaces.expand($0, userHome) }, from: source)
    default: break
    }
  }
}

extension Configuration {
  /// Why the value does not fit the setting; nil where it does. For flags, whose mistakes are mistakes of usage.
  public static func refusal(_ value: SettingValue, for key: SettingKey) -> String? {
    SettingRules.refusal(value, for: key)
  }
}
