/// The files of one node's state directory.
public struct Home: Sendable, Hashable {
  public let path: String
  public init(path: String) { self.path = path }

  /// 0700: whoever may enter it may control the node.
  public var controlSocket: String { "\(path)/control/socket" }
  public var controlDirectory: String { "\(path)/control" }
  /// A copy of what the log alone could not give back: see `SettingsCopy`.
  public var settingsCopy: String { "\(path)/settings.copy" }
  public var logDirectory: String { "\(path)/log" }
  /// Of the key and its certificate.
  public var identityDirectory: String { "\(path)/identity" }
  /// While a copied home gets a key of its own.
  public var newIdentityDirectory: String { "\(path)/identity.new" }
  /// Used when `--home` is given; else `$XDG_CONFIG_HOME/softadastra/config.toml`.
  public var configuration: String { "\(path)/config.toml" }
}
