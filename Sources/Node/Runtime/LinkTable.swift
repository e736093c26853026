internal import SoftadastraCore
internal import SoftadastraTransport
internal import Synchronization

/// The open connections, for the transport's event loops: what arrives goes straight to its link and waits there, within that
/// link's bound, however busy the node is.
final class LinkTable: Sendable {
  private let state = Mutex<(transport: Transport?, links: [ConnectionID: PeerLink])>((nil, [:]))

  /// Before it opens anything.
  func use(_ transport: Transport) { state.withLock { $0.transport = transport } }

  subscript(id: ConnectionID) -> PeerLink? { state.withLock { $0.links[id] } }

  func open(_ id: ConnectionID, _ identity: PeerIdentity, _ address: PeerAddress, isInbound: Bool) {
    state.withLock { state in
      guard let transport = state.transport else { return }
      state.links[id] = PeerLink(id, identity, address, isInbound: isInbound, transport: transport)
    }
  }

  func remove(_ id: ConnectionID) -> PeerLink? { state.withLock { $0.links.removeValue(forKey: id) } }
}
