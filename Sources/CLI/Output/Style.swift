internal import Glibc

/// Whether and how to colour. Only on a terminal, unless told otherwise.
struct Style: Sendable, Equatable {
  enum Color: String, Sendable {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case dim = "2"
    case bold = "1"
  }

  let isColored: Bool
  let isTerminal: Bool

  static let plain = Style(isColored: false, isTerminal: false)

  static func of(_ descriptor: Int32, _ choice: ColorChoice) -> Style {
    let terminal = isatty(descriptor) == 1
    let environment = Environment.all
    let wanted =
      switch choice {
      case .always: true
      case .never: false
      case .auto:
        terminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
      }
    return Style(isColored: wanted, isTerminal: terminal)
  }

  func paint(_ text: String, _ color: Color) -> String {
    isColored ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// The state of a peer, folder or transport.
  func state(_ state: String) -> String {
    switch state {
    case "connected", "idle", "listening", "running": paint(state, .green)
    case "stopped", "off", "disconnected": paint(state, .red)
    default: paint(state, .yellow)
    }
  }
}
