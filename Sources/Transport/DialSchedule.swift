public import SoftadastraCore

/// Who is to be dialled: a known node, or whoever answers at an address that a person gave.
public enum DialTarget: Hashable, Sendable {
  case node(NodeID)
  case address(PeerAddress)
}

/// When to dial whom next: pure, fed with what happened and asked for what is due.
///
/// A peer's addresses are tried one after the other; after a round without success the peer waits, twice as long each
/// time up to a limit, and with jitter so that nodes started together do not stay in step. It never gives up. A new
/// address, or `hurry`, makes the peer due at once.
public struct DialSchedule: Sendable {
  public static let firstDelay: Duration = .milliseconds(200)
  public static let maxDelay: Duration = .seconds(60)
  /// After a connection that ends sooner the next one waits, longer each time.
  public static let shortestSuccess: Duration = .seconds(10)
  /// Beyond this the oldest is forgotten.
  public static let maxAddressesPerPeer = 16
  /// More are refused.
  public static let maxPeers = 1024

  private enum State {
    case waiting(until: UInt64)
    case dialling
    case connected(since: UInt64)
  }

  private struct Peer {
    var addresses: [PeerAddress] = []
    /// The address to try next.
    var next = 0
    var failedRounds = 0
    /// Connections in a row that ended at once.
    var shortLives = 0
    var state = State.waiting(until: 0)
  }

  private var peers: [DialTarget: Peer] = [:]

  public init() {}

  public var targets: [DialTarget] { Array(peers.keys) }

  public func addresses(of target: DialTarget) -> [PeerAddress] { peers[target]?.addresses ?? [] }

  /// Adds an address; a peer or an address that is new is due at once. Returns whether it was new. A full table refuses.
  @discardableResult
  public mutating func add(_ address: PeerAddress, for target: DialTarget) -> Bool {
    guard peers[target] != nil || peers.count < Self.maxPeers else { return false }
    var peer = peers[target] ?? Peer()
    if peer.addresses.contains(address) { return false }
    if peer.addresses.count == Self.maxAddressesPerPeer { peer.addresses.removeLast() }
    // The newest first: it is the likeliest to be right.
    peer.addresses.insert(address, at: 0)
    peer.next = 0
    (peer.failedRounds, peer.shortLives) = (0, 0)
    if case .waiting = peer.state { peer.state = .waiting(until: 0) }
    peers[target] = peer
    return true
  }

  public mutating func remove(_ target: DialTarget) { peers[target] = nil }

  public mutating func remove(_ address: PeerAddress, for target: DialTarget) {
    peers[target]?.addresses.removeAll { $0 == address }
    peers[target]?.next = 0
    if peers[target]?.addresses.isEmpty == true { peers[target] = nil }
  }

  /// Makes a waiting peer due now: it was heard of, or the network changed. All peers when nil.
  public mutating func hurry(_ target: DialTarget? = nil) {
    for key in target.map({ [$0] }) ?? Array(peers.keys) {
      guard var peer = peers[key], case .waiting = peer.state else { continue }
      (peer.failedRounds, peer.shortLives) = (0, 0)
      peer.state = .waiting(until: 0)
      peers[key] = peer
    }
  }

  /// The dials to make now. Each counts as under way until `failed`, `connected` or `disconnected`.
  public mutating func due(now: UInt64) -> [(DialTarget, PeerAddress)] {
    var out: [(DialTarget, PeerAddress)] = []
    for (target, peer) in peers {
      guard case .waiting(let until) = peer.state, until <= now, !peer.addresses.isEmpty else { continue }
      out.append((target, peer.addresses[peer.next % peer.addresses.count]))
      peers[target]?.state = .dialling
    }
    return out
  }

  /// When `due` has something next; nil while nothing waits.
  public var nextDue: UInt64? {
    peers.values.compactMap { peer in
      if case .waiting(let until) = peer.state, !peer.addresses.isEmpty { return until }
      return nil
    }.min()
  }

  /// A dial failed: the next address is due at once, or after the last one the round waits.
  public mutating func failed(_ target: DialTarget, now: UInt64, random: some RandomSource) {
    guard var peer = peers[target], case .dialling = peer.state else { return }
    peer.next += 1
    if peer.next < peer.addresses.count {
      peer.state = .waiting(until: now)
    } else {
      peer.next = 0
      peer.state = .waiting(until: now &+ Self.delay(afterRounds: peer.failedRounds, random))
      peer.failedRounds += 1
    }
    peers[target] = peer
  }

  /// The peer is connected, whichever side dialled: nothing is due until it disconnects.
  public mutating func connected(_ target: DialTarget, now: UInt64) {
    peers[target]?.state = .connected(since: now)
    peers[target]?.failedRounds = 0
    peers[target]?.next = 0
  }

  /// The connection ended, or is not used: back to dialling, after the first delay, or after a longer one if this happens
  /// again and again.
  public mutating func disconnected(_ target: DialTarget, now: UInt64, random: some RandomSource) {
    guard var peer = peers[target] else { return }
    switch peer.state {
    case .waiting: return
    case .connected(let since) where now &- since >= UInt64(Self.shortestSuccess / .nanoseconds(1)):
      peer.shortLives = 0
    case .connected, .dialling: break
    }
    peer.state = .waiting(until: now &+ Self.delay(afterRounds: peer.shortLives, random))
    peer.shortLives += 1
    peers[target] = peer
  }

  /// Half to all of the doubled delay, in nanoseconds.
  static func delay(afterRounds rounds: Int, _ random: some RandomSource) -> UInt64 {
    let first = UInt64(firstDelay / .nanoseconds(1))
    let full = min(UInt64(maxDelay / .nanoseconds(1)), first << UInt64(min(rounds, 16)))
    return full / 2 + random.next() % (full / 2 + 1)
  }
}
