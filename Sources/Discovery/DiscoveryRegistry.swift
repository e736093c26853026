internal import SoftadastraCore
public import SoftadastraTransport

/// The peers that were heard of, and how long ago: a pure table, driven with packets and time.
///
/// Two entries may carry one node ID: clones of a state directory differ in their start nonce. A restart at the same
/// address replaces its predecessor.
public struct DiscoveryRegistry: Sendable {
  public static let staleAfter: Duration = .seconds(45)
  public static let expiredAfter: Duration = .seconds(180)
  public static let maxPeers = 1024
  public static let maxAddressesPerPeer = 8

  private struct Key: Hashable {
    var nodeID: NodeID
    var startNonce: UInt64
  }

  private struct Entry {
    var peer: DiscoveredPeer
    /// When each address was heard last; parallel to `peer.addresses`.
    var heard: [UInt64]
  }

  private var entries: [Key: Entry] = [:]
  private let stale: UInt64
  private let expired: UInt64

  public init(staleAfter: Duration = Self.staleAfter, expiredAfter: Duration = Self.expiredAfter) {
    stale = UInt64(max(0, staleAfter / .nanoseconds(1)))
    expired = UInt64(max(0, expiredAfter / .nanoseconds(1)))
  }

  /// Ordered by node ID, then start nonce.
  public var peers: [DiscoveredPeer] {
    entries.values.map(\.peer).sorted { ($0.nodeID, $0.startNonce) < ($1.nodeID, $1.startNonce) }
  }

  /// Records an announcement or probe. Returns what its user should hear of. A full table takes no new peer: what is
  /// known keeps working, and expiry makes room.
  public mutating func heard(
    _ packet: DiscoveryPacket, at address: PeerAddress, via: DiscoveredPeer.Via, now: UInt64
  ) -> [DiscoveryEvent] {
    let key = Key(nodeID: packet.nodeID, startNonce: packet.startNonce)
    if packet.kind == .bye {
      return entries.removeValue(forKey: key).map { [.lost($0.peer)] } ?? []
    }
    // A joiner that does not listen yet is heard, but nobody can dial it.
    let isReachable = packet.listenPort > 0
    guard var entry = entries[key] else {
      replacePredecessor(of: key, at: address)
      guard entries.count < Self.maxPeers else { return [] }
      let peer = DiscoveredPeer(
        nodeID: packet.nodeID, startNonce: packet.startNonce, addresses: isReachable ? [address] : [], lastSeen: now,
        state: .alive, via: via)
      entries[key] = Entry(peer: peer, heard: isReachable ? [now] : [])
      return [.found(peer)]
    }
    var isNews = entry.peer.state != .alive
    entry.peer.state = .alive
    entry.peer.lastSeen = now
    // Found in the group counts more than found through an invite.
    if via == .group { entry.peer.via = .group }
    if isReachable {
      if let known = entry.peer.addresses.firstIndex(of: address) {
        entry.heard[known] = now
      } else {
        if entry.peer.addresses.count == Self.maxAddressesPerPeer,
          let oldest = entry.heard.indices.min(by: { entry.heard[$0] < entry.heard[$1] })
        {
          entry.peer.addresses.remove(at: oldest)
          entry.heard.remove(at: oldest)
        }
        entry.peer.addresses.insert(address, at: 0)
        entry.heard.insert(now, at: 0)
        isNews = true
      }
    }
    entries[key] = entry
    return isNews ? [.found(entry.peer)] : []
  }

  /// Ages the table. Peers that expire are reported and forgotten, and so are single addresses that were not heard for
  /// as long.
  public mutating func sweep(now: UInt64) -> [DiscoveryEvent] {
    var events: [DiscoveryEvent] = []
    for (key, var entry) in entries {
      let age = now >= entry.peer.lastSeen ? now - entry.peer.lastSeen : 0
      if age >= expired {
        entry.peer.state = .expired
        entries[key] = nil
        events.append(.lost(entry.peer))
        continue
      }
      if age >= stale { entry.peer.state = .stale }
      for index in entry.heard.indices.reversed() where now >= entry.heard[index] && now - entry.heard[index] >= expired
      {
        entry.heard.remove(at: index)
        entry.peer.addresses.remove(at: index)
      }
      entries[key] = entry
    }
    return events
  }

  /// Forgets everything, for a new discovery key.
  public mutating func removeAll() { entries.removeAll() }

  private mutating func replacePredecessor(of key: Key, at address: PeerAddress) {
    for (other, entry) in entries where other.nodeID == key.nodeID && entry.peer.addresses.contains(address) {
      entries[other] = nil
    }
  }
}
