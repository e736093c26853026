internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import SoftadastraCore

/// A UDP socket: its options and sends are plain system calls, its receiving is the event loop's.
///
/// A failed send concerns one interface at one moment and is no reason to close anything, so it does not go through the
/// channel. The channel owns the descriptor: `close` ends both. Its owner calls everything but `init` and `receive` under
/// one lock.
final class DatagramSocket: @unchecked Sendable {
  enum Family {
    case v4
    case v6
  }

  let family: Family
  private var descriptor: Int32
  private var channel: (any Channel)?

  /// Binds to `port`, shared with other sockets when it is not 0; to one IPv4 address or to any.
  init(_ family: Family, port: UInt16, address: UInt32 = INADDR_ANY) throws(SoftadastraError) {
    self.family = family
    let domain = family == .v4 ? AF_INET : AF_INET6
    descriptor = socket(
      domain, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .system(errno, "open a UDP socket") }
    if port != 0 {
      set(SOL_SOCKET, SO_REUSEADDR, Int32(1))
      set(SOL_SOCKET, SO_REUSEPORT, Int32(1))
    }
    let bound: Int32
    switch family {
    case .v4:
      set(SOL_SOCKET, SO_BROADCAST, Int32(1))
      set(Int32(IPPROTO_IP), IP_MULTICAST_LOOP, Int32(1))
      set(Int32(IPPROTO_IP), IP_MULTICAST_TTL, Int32(1))
      if address != INADDR_ANY { set(Int32(IPPROTO_IP), IP_MULTICAST_IF, in_addr(s_addr: address)) }
      bound = Self.with(Self.v4(address, port)) { bind(descriptor, $0, $1) }
    case .v6:
      set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, Int32(1))
      set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, Int32(1))
      set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, Int32(1))
      bound = Self.with(Self.v6(in6_addr(), port, scope: 0)) { bind(descriptor, $0, $1) }
    }
    guard bound == 0 else {
      let number = errno
      Glibc.close(descriptor)
      descriptor = -1
      if number == EADDRINUSE {
        throw SoftadastraError(
          .conflict, "discovery on UDP port", at: "\(port)", why: "the port is taken by another program",
          hint: "choose another with --discovery-port, the same on all nodes")
      }
      throw .system(number, "bind UDP port", at: "\(port)")
    }
  }

  deinit {
    if channel == nil, descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// Hands the descriptor to an event loop.
  func receive(on group: MultiThreadedEventLoopGroup, _ onPacket: @escaping @Sendable ([UInt8], SocketAddress) -> Void)
    async throws
  {
    let channel = try await DatagramBootstrap(group: group)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramHandler(onPacket))
        }
      }
      .withBoundSocket(descriptor).get()
    self.channel = channel
  }

  func close() {
    descriptor = -1
    channel?.close(promise: nil)
  }

  /// Joins a group on one interface; being a member already is no error.
  func joinV4(_ group: UInt32, interface: UInt32) {
    let request = ip_mreqn(
      imr_multiaddr: in_addr(s_addr: group), imr_address: in_addr(s_addr: INADDR_ANY), imr_ifindex: Int32(interface))
    set(Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, request)
  }

  func joinV6(_ group: in6_addr, interface: UInt32) {
    let request = ipv6_mreq(ipv6mr_multiaddr: group, ipv6mr_interface: interface)
    set(Int32(IPPROTO_IPV6), IPV6_JOIN_GROUP, request)
  }

  /// False when the kernel refused; the reason concerns this target at this moment only.
  @discardableResult
  func send(_ bytes: [UInt8], to target: SocketAddress) -> Bool {
    guard descriptor >= 0 else { return false }
    switch target {
    case .v4(let address): return send(bytes, address.address)
    case .v6(let address): return send(bytes, address.address)
    case .unixDomainSocket: return false
    }
  }

  @discardableResult
  func sendV4(_ bytes: [UInt8], _ address: UInt32, port: UInt16) -> Bool { send(bytes, Self.v4(address, port)) }

  @discardableResult
  func sendV6(_ bytes: [UInt8], _ address: in6_addr, port: UInt16, scope: UInt32) -> Bool {
    send(bytes, Self.v6(address, port, scope: scope))
  }

  private func send<Address>(_ bytes: [UInt8], _ address: Address) -> Bool {
    guard descriptor >= 0 else { return false }
    let sent = Self.with(address) { target, size in
      bytes.withUnsafeBytes { sendto(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT), target, size) }
    }
    return sent == bytes.count
  }

  private func set<Value>(_ level: Int32, _ name: Int32, _ value: Value) {
    guard descriptor >= 0 else { return }
    withUnsafeBytes(of: value) { _ = setsockopt(descriptor, level, name, $0.baseAddress, socklen_t($0.count)) }
  }

  private static func v4(_ address: UInt32, _ port: UInt16) -> sockaddr_in {
    var out = sockaddr_in()
    out.sin_family = sa_family_t(AF_INET)
    out.sin_port = port.bigEndian
    out.sin_addr.s_addr = address
    return out
  }

  private static func v6(_ address: in6_addr, _ port: UInt16, scope: UInt32) -> sockaddr_in6 {
    var out = sockaddr_in6()
    out.sin6_family = sa_family_t(AF_INET6)
    out.sin6_port = port.bigEndian
    out.sin6_addr = address
    out.sin6_scope_id = scope
    return out
  }

  private static func with<Address, Result>(
    _ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
    }
  }
}

private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  private let onPacket: @Sendable ([UInt8], SocketAddress) -> Void

  init(_ onPacket: @escaping @Sendable ([UInt8], SocketAddress) -> Void) { self.onPacket = onPacket }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard envelope.data.readableBytes <= DiscoveryPacket.maxBytes else { return }
    onPacket(Array(envelope.data.readableBytesView), envelope.remoteAddress)
  }

  /// A refused reply comes back as an error of the socket: the next packet is read all the same.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
