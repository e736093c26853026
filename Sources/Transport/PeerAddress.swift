/// Where a peer listens: a host name or a numeric address, and a port.
///
/// IPv6 addresses are written in brackets and may carry a scope: `[fe80::1%lan0]:22420`.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// RFC 1035 names have 253 characters; a scope adds at most 16.
  public static let maxHostBytes = 272

  /// Without brackets.
  public var host: String
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port` or `[v6]:port`; nil for anything else: a port is always named, and an IPv6 address without
  /// brackets is refused as ambiguous. An empty host stands for any address: `:22420` is `[::]:22420`.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = Int(digits), port <= 65_535
    else { return nil }
    var host = text[..<colon]
    if host.isEmpty {
      host = "::"
    } else if host.first == "[" {
      guard host.last == "]" else { return nil }
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, host.utf8.count <= Self.maxHostBytes,
      host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") })
    else { return nil }
    self.init(host: String(host), port: port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
