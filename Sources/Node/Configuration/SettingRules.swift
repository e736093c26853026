internal import SoftadastraCore

/// Checks values of settings, wherever they come from.
enum SettingRules {
  static let maxNameBytes = 255

  /// Nil where the value fits; else why not, to follow `setting 'x' `.
  static func refusal(_ value: SettingValue, for key: SettingKey) -> String? {
    switch (key.form, value) {
    case (.text, .text(let text)):
      text.isEmpty || text.utf8.count > maxNameBytes ? "takes 1 to \(maxNameBytes) bytes of text" : nil
    case (.address, .text(let text)): addressRefusal(text)
    case (.number(let range), .number(let number)):
      range.contains(number) ? nil : "takes a number from \(range.lowerBound) to \(range.upperBound), not \(number)"
    case (.flag, .flag): nil
    case (.choice(let choices), .text(let text)):
      choices.contains(text) ? nil : "takes \(listed(choices)), not '\(text)'"
    case (.addresses, .list(let list)): list.lazy.compactMap(addressRefusal).first
    case (.paths, .list(let list)):
      list.first { !($0.hasPrefix("/") || $0.hasPrefix("~/")) }
        .map { "takes absolute paths, or such below ~/, not '\($0)'" }
    default: "takes \(expected(key)), not \(value.kind)"
    }
  }

  /// Reads the text form of the environment. Nil where it cannot be read as what the setting takes.
  static func parse(_ text: String, for key: SettingKey) -> SettingValue? {
    switch key.form {
    case .text, .address, .choice: return .text(text)
    case .number: return Int(text).map { .number($0) }
    case .flag:
      switch text {
      case "true", "1", "yes", "on": return .flag(true)
      case "false", "0", "no", "off": return .flag(false)
      default: return nil
      }
    case .addresses: return .list(text.split(separator: ",").map(String.init))
    case .paths: return .list(text.split(separator: ":").map(String.init))
    }
  }

  static func expected(_ key: SettingKey) -> String {
    switch key.form {
    case .text: "a string"
    case .address: "a string HOST:PORT"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .flag: "true or false"
    case .choice(let choices): listed(choices)
    case .addresses: "an array of strings HOST:PORT"
    case .paths: "an array of paths"
    }
  }

  /// Nil for HOST:PORT, [IPV6]:PORT.
  static func addressRefusal(_ text: String) -> String? {
    let refusal = "takes HOST:PORT (an IPv6 address in brackets), not '\(text)'"
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      return refusal
    }
    _ = port
    let host = text[..<colon]
    if host.hasPrefix("[") { return host.hasSuffix("]") && host.count > 2 ? nil : refusal }
    return host.isEmpty || host.contains(":") || host.contains("/") ? refusal : nil
  }

  private static func listed(_ choices: [String]) -> String {
    choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
  }
}
