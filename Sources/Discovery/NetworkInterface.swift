internal import Glibc

/// An interface that is up, with one of its addresses: several addresses make several entries.
struct NetworkInterface: Hashable {
  enum Address: Hashable {
    /// In network byte order, with the address that reaches everyone on the link, if there is one.
    case v4(UInt32, broadcast: UInt32?)
    /// Multicast needs only the interface.
    case v6
  }

  var name: String
  var index: UInt32
  var isLoopback: Bool
  var address: Address

  /// Of `sll_ifindex` in `sockaddr_ll` (packet(7)), which Glibc's module does not have.
  private static let indexOffset = 4

  /// Those that are up; at most `limit`, the ones of lower index first.
  static func all(limit: Int) -> [NetworkInterface] {
    var head: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&head) == 0 else { return [] }
    defer { freeifaddrs(head) }
    var out: Set<NetworkInterface> = []
    var indices: [String: UInt32] = [:]
    var cursor = head
    while let entry = cursor?.pointee {
      cursor = entry.ifa_next
      guard entry.ifa_flags & UInt32(IFF_UP) != 0, let label = entry.ifa_name, let address = entry.ifa_addr
      else { continue }
      let name = String(cString: label)
      let form: Address
      switch Int32(address.pointee.sa_family) {
      case AF_PACKET:
        // One for each interface, ahead of its addresses: spares a system call for each of these.
        indices[name] = UnsafeRawPointer(address).load(fromByteOffset: indexOffset, as: UInt32.self)
        continue
      case AF_INET:
        form = v4(address, mask: entry.ifa_netmask, isPointToPoint: entry.ifa_flags & UInt32(IFF_POINTOPOINT) != 0)
      case AF_INET6: form = .v6
      default: continue
      }
      // An address may have a label of its own.
      let index = indices[name] ?? if_nametoindex(label)
      guard index > 0 else { continue }
      let isLoopback = entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0
      out.insert(NetworkInterface(name: name, index: index, isLoopback: isLoopback, address: form))
    }
    return Array(out.sorted { $0.order < $1.order }.prefix(limit))
  }

  private var order: (UInt32, UInt64) {
    switch address {
    case .v4(let own, _): (index, UInt64(UInt32(bigEndian: own)))
    case .v6: (index, .max)
    }
  }

  /// The broadcast address follows from the mask: it works also where none was configured. Loopback has one too,
  /// 127.255.255.255, and there it is what reaches several nodes without a multicast route.
  private static func v4(
    _ address: UnsafeMutablePointer<sockaddr>, mask: UnsafeMutablePointer<sockaddr>?, isPointToPoint: Bool
  ) -> Address {
    let own = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
    guard let mask, !isPointToPoint else { return .v4(own, broadcast: nil) }
    let bits = mask.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
    let host = UInt32(bigEndian: ~bits)
    return .v4(own, broadcast: host >= 3 ? own | ~bits : nil)
  }
}
