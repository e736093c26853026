internal import Glibc
internal import SoftadastraCore
internal import SoftadastraNode

/// Prints what happens to a node, one line each, on stdout.
struct EventPrinter: Sendable {
  let json: Bool
  let style: Style

  /// The first line. A missing invite is an explicit null for scripts.
  private struct Ready: Encodable {
    var nodeID: String
    var address: String
    var invite: String?

    enum CodingKeys: String, CodingKey { case event, nodeID, address, invite }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode("ready", forKey: .event)
      try container.encode(nodeID, forKey: .nodeID)
      try container.encode(address, forKey: .address)
      if let invite { try container.encode(invite, forKey: .invite) } else { try container.encodeNil(forKey: .invite) }
    }
  }

  func ready(nodeID: String, address: String, invite: String?) throws {
    if json {
      Output.result(try JSONText.line(Ready(nodeID: nodeID, address: address, invite: invite)))
    } else if !style.isTerminal {
      Output.result((["ready", nodeID, address] + [invite].compactMap { $0 }).joined(separator: " "))
    }
  }

  /// A line for each, in one call.
  func print(_ events: [NodeEvent]) async throws {
    guard !events.isEmpty else { return }
    try await Output.apart {
      Output.result(try events.map { json ? try JSONText.line($0) : text($0) }.joined(separator: "\n"))
    }
  }

  /// `peer-connected desk`, `received Shared/notes.txt from desk`, `warning …`.
  func text(_ event: NodeEvent) -> String {
    var words = [painted(event.event)]
    let place = [event.folder, event.path].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "/")
    if !place.isEmpty { words.append(BytePath.escape(place.utf8)) }
    if let peer = event.peer {
      let prefix =
        switch event.event {
        case "received": "from "
        case "sent": "to "
        default: ""
        }
      words.append(prefix + BytePath.escape(peer.utf8))
    }
    if let address = event.address { words.append(BytePath.escape(address.utf8)) }
    if let message = event.message, !message.isEmpty { words.append("(\(BytePath.escape(message.utf8)))") }
    return words.joined(separator: " ")
  }

  private func painted(_ event: String) -> String {
    switch event {
    case "conflict", "kept", "blocked", "warning", "peer-disconnected": style.paint(event, .yellow)
    case "peer-connected", "joined", "unblocked": style.paint(event, .green)
    default: style.paint(event, .dim)
    }
  }
}
