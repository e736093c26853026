internal import Glibc
internal import Logging
internal import NIOCore
internal import SoftadastraCore
internal import Synchronization

/// What the connections' handlers tell.
extension Transport {
  func opened(_ connection: Connection) { state.withLock { $0.connections[connection.id] = connection } }

  func connected(_ connection: Connection, _ identity: PeerIdentity) {
    onEvent(.connected(connection.id, identity, connection.address, isInbound: connection.isInbound))
  }

  func admitted(_ connection: Connection) { state.withLock { $0.admission.authenticated(connection.address.host) } }

  func ended(_ connection: Connection, wasConnected: Bool, wasAdmitted: Bool, _ error: SoftadastraError?) {
    state.withLock { state in
      state.connections[connection.id] = nil
      if connection.isInbound {
        state.admission.leave(connection.address.host, wasAuthenticated: wasAdmitted)
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

/// Connections that may be dead without knowing it: TCP itself would not tell for minutes.
extension Transport {
  /// Ends the connection unless something comes from the peer within `TransportOptions.answerDeadline`. Nothing happens
  /// while reading is paused.
  public func verify(_ id: ConnectionID) { connection(id)?.onLoop { $0.verify() } }

  /// Ends those whose own address this machine does not have any more: nothing will arrive on them. An IPv6 address that
  /// cannot be used may be about to come back: of these an answer is asked for. Cost: two system calls for each connection.
  public func closeStranded() {
    for connection in state.withLock({ Array($0.connections.values) }) {
      switch connection.channel.localAddress {
      case .v4(let known):
        if !isAvailable(AF_INET, known.address, { $0.sin_port = 0 }) { connection.onLoop { $0.endStranded() } }
      case .v6(let known):
        guard !isAvailable(AF_INET6, known.address, { $0.sin6_port = 0 }) else { continue }
        let isMapped = Self.isMappedIPv4(known.address.sin6_addr)
        connection.onLoop { if isMapped { $0.endStranded() } else { $0.verify() } }
      default: break
      }
    }
  }

  /// As which a dual-stack listener sees IPv4.
  private static func isMappedIPv4(_ address: in6_addr) -> Bool {
    withUnsafeBytes(of: address) { $0.prefix(10).allSatisfy { $0 == 0 } && $0[10] == 0xFF && $0[11] == 0xFF }
  }

  /// What cannot be told counts as available.
  private func isAvailable<Address>(_ family: Int32, _ address: Address, _ anyPort: (inout Address) -> Void) -> Bool {
    let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return true }
    defer { Glibc.close(descriptor) }
    var address = address
    anyPort(&address)
    let bound = withUnsafeBytes(of: &address) {
      bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    return bound == 0 || (errno != EADDRNOTAVAIL && errno != ENODEV)
  }
}
