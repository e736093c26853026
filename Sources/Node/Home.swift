/// The files of one node's state directory. `share/doc/home.md` lists them.
public struct Home: Sendable, Hashable {
  public let path: String
  public init(path: String) { self.path = path }

  /// 0700: whoever may enter it may control the node.
  public var controlSocket: String { "\(path)/control/socket" }
  public var controlDirectory: String { "\(path)/control" }
  /// A copy of what the log alone could not give back: see `SettingsCopy`.
  public var settingsCopy: String { "\(path)/settings.copy" }
  public var logDirectory: String { "\(path)/log" }
  public var privateKey: String { "\(path)/identity/key.pem" }
  public var certificate: String { "\(path)/identity/certificate.pem" }
  public var identityDirectory: String { "\(path)/identity" }
  /// Used when `--home` is given; else `$XDG_CONFIG_HOME/softadastra/config.toml`.
  public var configuration: String { "\(path)/config.toml" }
}
