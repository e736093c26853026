/// A configuration value and where it came from.
public struct Setting<Value: Sendable & Equatable>: Sendable, Equatable {
  public var value: Value
  public var source: SettingSource

  public init(_ value: Value, from source: SettingSource = .builtIn) {
    self.value = value
    self.source = source
  }
}

/// The places a setting may come from, the strongest first.
public enum SettingSource: Sendable, Equatable, CustomStringConvertible {
  case flag(String)
  case environment(String)
  case file(path: String, line: Int)
  case builtIn

  public var description: String {
    switch self {
    case .flag(let name): name
    case .environment(let name): "$\(name)"
    case .file(let path, let line): "\(path):\(line)"
    case .builtIn: "default"
    }
  }
}
