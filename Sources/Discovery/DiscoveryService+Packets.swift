internal import Glibc
internal import NIOCore
internal import SoftadastraCore
internal import SoftadastraTransport
internal import Synchronization

// What is received and sent. Everything that touches the state or a socket runs under the state's lock.
extension DiscoveryService {
  func open(
    _ family: DatagramSocket.Family, port: UInt16, address: UInt32 = INADDR_ANY
  ) async throws(SoftadastraError) -> DatagramSocket {
    let socket = try DatagramSocket(family, port: port, address: address)
    do {
      try await socket.receive(on: group) { [weak self, weak socket] bytes, source in
        guard let self, let socket else { return }
        self.received(bytes, from: source, on: socket)
      }
    } catch {
      throw SoftadastraError(.network, "discovery on UDP port", at: "\(port)", why: "\(error)")
    }
    return socket
  }

  func received(_ bytes: [UInt8], from source: SocketAddress, on socket: DatagramSocket) {
    let now = time.monotonicNanoseconds()
    let host = Self.host(of: source)
    let events = state.withLock { state -> [DiscoveryEvent] in
      guard state.life == .running, state.limiter.allows(host, now: now),
        let (packet, index, salt) = DiscoveryPacket.open(bytes, with: state.keys),
        packet.startNonce != state.identity.startNonce
      else { return [] }
      let via = index == 0 ? DiscoveredPeer.Via.group : .additional(state.keys[index].bytes)
      let address = PeerAddress(host: host, port: Int(packet.listenPort))
      let events = state.registry.heard(packet, at: address, via: via, now: now)
      // The copies of one packet show several addresses, but ask once.
      if packet.kind == .probe, options.announces, state.salts.insert(salt) {
        answer(source, socket, state.keys[index], &state, now)
      }
      return events
    }
    for event in events { onEvent(event) }
  }

  /// To the asker at once, and now and then to all: who is new to one is often new to others.
  private func answer(
    _ source: SocketAddress, _ socket: DatagramSocket, _ key: DiscoveryKey, _ state: inout State, _ now: UInt64
  ) {
    guard let bytes = packet(.announce, state).sealed(with: key, random: random) else { return }
    socket.send(bytes, to: source)
    guard now &- state.lastMulticastReply >= Self.nanoseconds(Self.minMulticastInterval) else { return }
    state.lastMulticastReply = now
    if let bytes = packet(.announce, state).sealed(with: key, random: random) { sendToAll(bytes, &state) }
  }

  /// A link-local address means nothing without its interface.
  private static func host(of address: SocketAddress) -> String {
    let text = address.ipAddress ?? "unknown"
    guard case .v6 = address else { return text }
    let scope = address.withSockAddr { pointer, size -> UInt32 in
      // The last field of a `sockaddr_in6`, in the host's byte order.
      UnsafeRawBufferPointer(start: pointer, count: size).loadUnaligned(fromByteOffset: size - 4, as: UInt32.self)
    }
    guard scope != 0 else { return text }
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard if_indextoname(scope, &name) != nil else { return text }
    return text + "%" + String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  // MARK: Sending

  private func packet(_ kind: DiscoveryPacket.Kind, _ state: State) -> DiscoveryPacket {
    DiscoveryPacket(
      kind: kind, nodeID: state.identity.nodeID, listenPort: options.announces ? state.identity.listenPort : 0,
      startNonce: state.identity.startNonce)
  }

  func broadcast(_ kind: DiscoveryPacket.Kind, _ state: inout State) {
    for key in kind == .announce ? Array(state.keys.prefix(1)) : state.keys {
      if let bytes = packet(kind, state).sealed(with: key, random: random) { sendToAll(bytes, &state) }
    }
  }

  private func sendToAll(_ bytes: [UInt8], _ state: inout State) {
    for (interface, socket) in state.senders {
      var isSent: Bool
      switch interface.address {
      case .v4(_, let broadcast):
        isSent = socket.sendV4(bytes, inet_addr(Self.multicastV4), port: options.port)
        if let broadcast { isSent = socket.sendV4(bytes, broadcast, port: options.port) || isSent }
      case .v6:
        isSent = socket.sendV6(bytes, Self.groupV6, port: options.port, scope: interface.index)
      }
      if !isSent { state.hasUnsent = true }
    }
  }

  static var groupV6: in6_addr {
    var address = in6_addr()
    inet_pton(AF_INET6, multicastV6, &address)
    return address
  }
}
