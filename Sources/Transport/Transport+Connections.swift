internal import Logging
internal import SoftadastraCore
internal import Synchronization

/// What the connections' handlers tell.
extension Transport {
  func opened(_ connection: Connection) { state.withLock { $0.connections[connection.id] = connection } }

  func connected(_ connection: Connection, _ identity: PeerIdentity) {
    if connection.isInbound { state.withLock { $0.admission.authenticated(connection.address.host) } }
    onEvent(.connected(connection.id, identity, connection.address, isInbound: connection.isInbound))
  }

  func ended(_ connection: Connection, wasConnected: Bool, _ error: SoftadastraError?) {
    state.withLock { state in
      state.connections[connection.id] = nil
      if connection.isInbound {
        state.admission.leave(connection.address.host, wasAuthenticated: wasConnected)
      }
    }
    if wasConnected {
      onEvent(.disconnected(connection.id, error))
    } else if connection.isInbound {
      // Whoever scans ports must not fill the log; another version of this program is worth a word.
      let level: Logger.Level = error?.code == .unsupported ? .notice : .debug
      logger.log(level: level, "refused a connection from \(connection.address): \(error?.description ?? "closed")")
    } else {
      let error = error ?? SoftadastraError(.closed, "connection to", at: "\(connection.address)", why: "closed here")
      onEvent(.dialFailed(connection.expected, connection.address, error))
    }
  }
}
