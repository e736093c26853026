internal import SoftadastraCore
internal import SoftadastraNode

/// Peers for people.
enum PeersText {
  static func table(_ peers: [StatusReport.Peer], style: Style) -> String {
    var table = Table(
      ["PEER", "ID", "STATE", "TO SEND", "TO RECEIVE", "ADDRESS"], rightAligned: [3, 4], style: style)
    for peer in peers {
      table.add(
        [
          peer.name, String(peer.id.prefix(9)), peer.state, amount(peer.toSend), amount(peer.toReceive), peer.address,
        ], states: [2])
    }
    var text = table.text
    for peer in peers {
      if let error = peer.lastError, !error.isEmpty {
        text += "\n\(BytePath.escape(peer.name.utf8)): \(style.paint(BytePath.escape(error.utf8), .yellow))"
      }
    }
    return text
  }

  private static func amount(_ amount: StatusReport.Amount) -> String {
    amount.files == 0 && amount.bytes == 0
      ? "-" : "\(Quantity.files(amount.files)), \(Quantity.bytes(amount.bytes))"
  }
}
