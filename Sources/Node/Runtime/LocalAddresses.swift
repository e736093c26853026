internal import Glibc

/// This machine's addresses that another machine may reach: for invites.
enum LocalAddresses {
  /// IPv4 first; loopback only if there is nothing else. Link-local ones mean nothing elsewhere and are left out.
  static func all() -> [String] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return ["127.0.0.1"] }
    defer { freeifaddrs(list) }
    var found: [String] = []
    var next = list
    while let item = next?.pointee {
      next = item.ifa_next
      guard let address = item.ifa_addr, item.ifa_flags & UInt32(IFF_UP) != 0,
        item.ifa_flags & UInt32(IFF_LOOPBACK) == 0
      else { continue }
      let family = Int32(address.pointee.sa_family)
      guard family == AF_INET || family == AF_INET6 else { continue }
      let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard getnameinfo(address, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
        continue
      }
      let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if !text.hasPrefix("fe80"), !text.contains("%") { found.append(text) }
    }
    let sorted = found.filter { !$0.contains(":") } + found.filter { $0.contains(":") }
    return sorted.isEmpty ? ["127.0.0.1"] : sorted
  }
}
