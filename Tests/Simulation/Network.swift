import SoftadastraCore
import SoftadastraSync
import TestSupport

/// Connections between machines: ordered, slow, cut at any moment with everything under way, sometimes repeating.
final class Network: @unchecked Sendable {
  private struct Pair: Hashable {
    let low: Int
    let high: Int
    init(_ a: Int, _ b: Int) {
      low = min(a, b)
      high = max(a, b)
    }
  }

  private final class Connection: @unchecked Sendable {
    let session: UInt64
    let nodes: (SimulatedNode, SimulatedNode)
    let latency: UInt64
    let nanosecondsPerByte: UInt64
    var isOpen = true
    /// The process at one end is dead; what it had sent in this direction still arrives.
    var draining: Int?
    var lastArrival: [UInt64] = [0, 0]
    /// Pieces of content under way.
    var pieces = 0
    /// When the line is free again, for each direction.
    var free: [UInt64] = [0, 0]
    init(session: UInt64, nodes: (SimulatedNode, SimulatedNode), latency: UInt64, nanosecondsPerByte: UInt64) {
      self.session = session
      self.nodes = nodes
      self.latency = latency
      self.nanosecondsPerByte = nanosecondsPerByte
    }
  }

  private let scheduler: Scheduler
  private let machines: [Machine]
  /// Pairs that may be connected at all.
  private let edges: [Pair]
  private var connections: [Pair: Connection] = [:]
  private var parted: Set<Pair> = []
  private var lastSession: UInt64 = 0
  /// Pairs of which one side does not know yet that the other is dead.
  private var ending: Set<Pair> = []
  private(set) var inFlight = 0
  private(set) var delivered = 0
  private(set) var lostInCuts = 0
  private(set) var repeated = 0
  /// Content that was under way when its connection was cut.
  private(set) var cutTransfers = 0
  /// Arrived after their connection had ended and another had taken its place.
  private(set) var late = 0
  private(set) var slowBesideFast = 0

  init(_ scheduler: Scheduler, _ machines: [Machine], edges: [(Int, Int)]) {
    self.scheduler = scheduler
    self.machines = machines
    self.edges = edges.map { Pair($0.0, $0.1) }
  }

  /// Connects every pair that can be and is not.
  func connectAll() {
    for pair in edges where connections[pair] == nil && !parted.contains(pair) && !ending.contains(pair) {
      guard let a = machines[pair.low].node, let b = machines[pair.high].node else { continue }
      lastSession += 1
      let connection = Connection(
        session: lastSession, nodes: (a, b), latency: UInt64(scheduler.random.below(60_000_000)),
        nanosecondsPerByte: [0, 10, 200, 2_000][scheduler.random.below(4)])
      connections[pair] = connection
      if isSlowBesideFast(pair) { slowBesideFast += 1 }
      for (from, to, direction) in [(a, b, 0), (b, a, 1)] {
        Task.detached { [self] in
          await from.connect(
            to.id, session: connection.session, hangUp: { [self] in hangUp(pair, connection, direction) }
          ) { [self] message in
            await send(message, from: from, to: to, over: connection, direction)
          }
        }
      }
    }
  }

  /// A sender waits while its line is busy: nothing is queued without bound.
  private func send(
    _ message: SyncMessage, from: SimulatedNode, to: SimulatedNode, over connection: Connection, _ direction: Int
  ) async {
    guard connection.isOpen else { return }
    let bytes = message.encoded()
    let start = max(scheduler.now, connection.free[direction])
    let end = start + UInt64(bytes.count) * connection.nanosecondsPerByte
    connection.free[direction] = end
    let jitter = UInt64(scheduler.random.below(1_000_000))
    // Order within a direction is kept: a later message never overtakes.
    connection.free[direction] += jitter
    let arrival = end + jitter + connection.latency
    connection.lastArrival[direction] = arrival
    inFlight += 1
    let kind = message.kind
    let isRepeated = scheduler.random.below(50) == 0
    let isPiece = if case .data = message { true } else { false }
    if isPiece { connection.pieces += 1 }
    scheduler.after(arrival - scheduler.now) { [self] in
      inFlight -= 1
      if isPiece { connection.pieces -= 1 }
      guard connection.isOpen || connection.draining == direction else {
        lostInCuts += 1
        if scheduler.random.below(4) == 0 { deliverLate(kind, bytes, from: from, to: to, of: connection) }
        return
      }
      delivered += 1
      for _ in 0...(isRepeated && isRepeatable(message) ? 1 : 0) {
        guard let copy = decode(kind, bytes) else {
          fatalError("a message that cannot be decoded: \(message)")
        }
        Task.detached { await to.deliver(copy, from: from.id, session: connection.session) }
      }
      if isRepeated, isRepeatable(message) { repeated += 1 }
    }
    if end > scheduler.now + 50_000_000 { await scheduler.sleep(end - scheduler.now - 50_000_000) }
  }

  private func decode(_ kind: UInt8, _ bytes: [UInt8]) -> SyncMessage? {
    try? SyncMessage.decode(kind: kind, SharedBytes(bytes))
  }

  /// Once the two have another connection: a node must know that it is not of this one.
  private func deliverLate(
    _ kind: UInt8, _ bytes: [UInt8], from: SimulatedNode, to: SimulatedNode, of connection: Connection
  ) {
    scheduler.after(UInt64(scheduler.random.below(3_000_000_000))) { [self] in
      guard isReplaced(connection, from, to), let message = decode(kind, bytes) else { return }
      late += 1
      Task.detached { await to.deliver(message, from: from.id, session: connection.session) }
    }
  }

  /// The same two lives have another connection by now.
  private func isReplaced(_ old: Connection, _ from: SimulatedNode, _ to: SimulatedNode) -> Bool {
    connections.values.contains {
      $0 !== old && [ObjectIdentifier($0.nodes.0), ObjectIdentifier($0.nodes.1)].contains(ObjectIdentifier(from))
        && [ObjectIdentifier($0.nodes.0), ObjectIdentifier($0.nodes.1)].contains(ObjectIdentifier(to))
    }
  }

  /// One of the two has a line two hundred times as fast, or as slow, to somebody else.
  private func isSlowBesideFast(_ pair: Pair) -> Bool {
    guard let new = connections[pair] else { return false }
    return connections.contains { other, connection in
      other != pair && !Set([other.low, other.high]).isDisjoint(with: [pair.low, pair.high])
        && min(new.nanosecondsPerByte, connection.nanosecondsPerByte) <= 10
        && max(new.nanosecondsPerByte, connection.nanosecondsPerByte) == 2_000
    }
  }

  /// What a resend produces again; greetings come once a connection.
  private func isRepeatable(_ message: SyncMessage) -> Bool {
    switch message {
    case .changes, .acknowledge, .supplement, .data, .fetch, .moveAnswer, .want: true
    default: false
    }
  }

  // MARK: Faults

  func cutRandom() {
    guard
      let pair = connections.keys.sorted(by: { ($0.low, $0.high) < ($1.low, $1.high) }).randomElement(
        using: &scheduler.random)
    else { return }
    cut(pair)
  }

  func partRandom() {
    guard let pair = edges.randomElement(using: &scheduler.random) else { return }
    parted.insert(pair)
    cut(pair)
  }

  func healAll() { parted.removeAll() }

  func machineEnded(_ machine: Int) {
    for pair in connections.keys where pair.low == machine || pair.high == machine { cut(pair) }
  }

  /// A process is dead: its peers hear of it after what it had sent.
  func machineDied(_ machine: Int) {
    for pair in connections.keys where pair.low == machine || pair.high == machine {
      guard scheduler.random.below(4) > 0, let connection = connections.removeValue(forKey: pair) else {
        cut(pair)
        continue
      }
      end(pair, connection, pair.low == machine ? 0 : 1)
    }
  }

  /// A node ends a connection; what it had sent arrives.
  private func hangUp(_ pair: Pair, _ connection: Connection, _ direction: Int) {
    guard connections[pair] === connection else { return }
    connections[pair] = nil
    end(pair, connection, direction)
  }

  private func end(_ pair: Pair, _ connection: Connection, _ direction: Int) {
    connection.isOpen = false
    connection.draining = direction
    let (first, other) = direction == 0 ? connection.nodes : (connection.nodes.1, connection.nodes.0)
    ending.insert(pair)
    Task.detached { await first.disconnect(other.id, session: connection.session) }
    scheduler.after(max(connection.lastArrival[direction], scheduler.now) - scheduler.now + 1_000_000) { [self] in
      ending.remove(pair)
      connection.draining = nil
      Task.detached { await other.disconnect(first.id, session: connection.session) }
    }
  }

  private func cut(_ pair: Pair) {
    guard let connection = connections.removeValue(forKey: pair), connection.isOpen else { return }
    connection.isOpen = false
    if connection.pieces > 0 { cutTransfers += 1 }
    let (a, b) = connection.nodes
    let session = connection.session
    Task.detached { await a.disconnect(b.id, session: session) }
    Task.detached { await b.disconnect(a.id, session: session) }
  }

  func isConnected(_ a: Int, _ b: Int) -> Bool { connections[Pair(a, b)] != nil }
  var isComplete: Bool { edges.allSatisfy { connections[$0] != nil } }
}
