public import SoftadastraCore
internal import Synchronization

/// Drives a `DialSchedule` with a `Transport`: the node reports what happens and calls `due` when the schedule asks.
public final class PeerDialer: Sendable {
  private let transport: Transport
  private let random: any RandomSource
  private let schedule = Mutex(DialSchedule())
  private let time: any TimeSource

  public init(transport: Transport, time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom()) {
    self.transport = transport
    self.time = time
    self.random = random
  }

  /// True when the address is new: call `due` then.
  @discardableResult
  public func add(_ address: PeerAddress, for target: DialTarget) -> Bool {
    schedule.withLock { $0.add(address, for: target) }
  }

  /// Where the target may be reached, as far as is known.
  public func addresses(of target: DialTarget) -> [PeerAddress] { schedule.withLock { $0.addresses(of: target) } }

  public func remove(_ target: DialTarget) { schedule.withLock { $0.remove(target) } }

  public func remove(_ address: PeerAddress, for target: DialTarget) {
    schedule.withLock { $0.remove(address, for: target) }
  }

  public func hurry(_ target: DialTarget? = nil) { schedule.withLock { $0.hurry(target) } }

  public func connected(_ target: DialTarget) {
    let now = time.monotonicNanoseconds()
    schedule.withLock { $0.connected(target, now: now) }
  }

  public func disconnected(_ target: DialTarget) {
    let now = time.monotonicNanoseconds()
    schedule.withLock { $0.disconnected(target, now: now, random: AnyRandom(random)) }
  }

  /// Call with the contents of `TransportEvent.dialFailed`.
  public func failed(_ node: NodeID?, _ address: PeerAddress) {
    let now = time.monotonicNanoseconds()
    schedule.withLock {
      $0.failed(node.map { .node($0) } ?? .address(address), now: now, random: AnyRandom(random))
    }
  }

  /// Dials everything that is due. Returns when to call again, on the same clock; nil while nothing waits.
  @discardableResult
  public func due(now: UInt64) -> UInt64? {
    let (dials, next) = schedule.withLock { schedule in
      let dials = schedule.due(now: now)
      return (dials, schedule.nextDue)
    }
    for (target, address) in dials {
      switch target {
      case .node(let node): transport.dial(address, expecting: node)
      case .address: transport.dial(address, expecting: nil)
      }
    }
    return next
  }

  private struct AnyRandom: RandomSource {
    let base: any RandomSource
    init(_ base: any RandomSource) { self.base = base }
    func next() -> UInt64 { base.next() }
  }
}
