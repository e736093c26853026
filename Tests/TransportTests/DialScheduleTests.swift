import SoftadastraCore
import Synchronization
import Testing

@testable import SoftadastraTransport

private struct Zero: RandomSource {
  func next() -> UInt64 { 0 }
}

private struct Largest: RandomSource {
  func next() -> UInt64 { .max }
}

@Suite struct DialScheduleTests {
  private let second: UInt64 = 1_000_000_000
  private let target = DialTarget.address(PeerAddress(host: "a", port: 1))
  private let first = PeerAddress(host: "a", port: 1)
  private let other = PeerAddress(host: "b", port: 1)

  @Test func triesEveryAddressThenWaitsLongerEachTime() {
    var schedule = DialSchedule()
    schedule.add(first, for: target)
    schedule.add(other, for: target)
    var now: UInt64 = 0
    var waits: [UInt64] = []
    for _ in 0..<14 {
      #expect(schedule.due(now: now).map(\.1) == [other])
      #expect(schedule.due(now: now).isEmpty)
      schedule.failed(target, now: now, random: Zero())
      #expect(schedule.due(now: now).map(\.1) == [first])
      schedule.failed(target, now: now, random: Zero())
      let next = schedule.nextDue ?? 0
      #expect(schedule.due(now: next - 1).isEmpty)
      waits.append(next - now)
      now = next
    }
    #expect(waits.first == second / 10)
    #expect(zip(waits, waits.dropFirst()).allSatisfy { $1 == min($0 * 2, 30 * second) })
    #expect(waits.last == 30 * second)
  }

  @Test func jitterStaysBelowTheFullDelay() {
    #expect(DialSchedule.delay(afterRounds: 0, Zero()) == second / 10)
    for rounds in [0, 3, 20, 1_000_000] {
      let full = DialSchedule.delay(afterRounds: rounds, Zero()) * 2
      #expect(DialSchedule.delay(afterRounds: rounds, Largest()) <= full)
      #expect(full <= 60 * second)
    }
  }

  @Test func newsMakeAPeerDueAtOnce() {
    var schedule = DialSchedule()
    schedule.add(first, for: target)
    _ = schedule.due(now: 0)
    schedule.failed(target, now: 0, random: Zero())
    #expect(schedule.due(now: 1).isEmpty)
    let isNew = schedule.add(first, for: target)
    #expect(!isNew)
    #expect(schedule.due(now: 1).isEmpty)
    let otherIsNew = schedule.add(other, for: target)
    #expect(otherIsNew)
    #expect(schedule.due(now: 1).map(\.1) == [other])
    schedule.failed(target, now: 1, random: Zero())
    _ = schedule.due(now: 1)
    schedule.failed(target, now: 1, random: Zero())
    schedule.hurry()
    #expect(schedule.due(now: 2).count == 1)
  }

  @Test func aConnectedPeerIsLeftAloneUntilItGoes() {
    var schedule = DialSchedule()
    schedule.add(first, for: target)
    _ = schedule.due(now: 0)
    schedule.connected(target, now: 0)
    schedule.failed(target, now: 0, random: Zero())
    schedule.hurry()
    schedule.add(other, for: target)
    #expect(schedule.due(now: .max).isEmpty && schedule.nextDue == nil)
    schedule.disconnected(target, now: 5, random: Zero())
    #expect(schedule.nextDue == 5 + second / 10)
    #expect(schedule.due(now: second).map(\.1) == [other])
  }

  @Test func whoHangsUpAtOnceIsDialledLessAndLess() {
    var schedule = DialSchedule()
    schedule.add(first, for: target)
    var now: UInt64 = 0
    var waits: [UInt64] = []
    for _ in 0..<12 {
      #expect(schedule.due(now: now).count == 1)
      schedule.connected(target, now: now)
      schedule.disconnected(target, now: now + 1, random: Zero())
      let next = schedule.nextDue ?? 0
      waits.append(next - now - 1)
      now = next
    }
    #expect(waits.first == second / 10 && waits.last == 30 * second)
    // A connection that lasted is a success.
    _ = schedule.due(now: now)
    schedule.connected(target, now: now)
    schedule.disconnected(target, now: now + 10 * second, random: Zero())
    #expect(schedule.nextDue == now + 10 * second + second / 10)
    // Dials that failed before it do not count.
    now = schedule.nextDue ?? 0
    for _ in 0..<8 {
      _ = schedule.due(now: now)
      schedule.failed(target, now: now, random: Zero())
      now = schedule.nextDue ?? 0
    }
    _ = schedule.due(now: now)
    schedule.connected(target, now: now)
    schedule.disconnected(target, now: now + 1, random: Zero())
    #expect((schedule.nextDue ?? 0) <= now + 1 + second / 5)
  }

  @Test func tablesAreBounded() {
    var schedule = DialSchedule()
    for port in 0..<100 { schedule.add(PeerAddress(host: "a", port: port), for: target) }
    #expect(schedule.addresses(of: target).count == DialSchedule.maxAddressesPerPeer)
    #expect(schedule.addresses(of: target).first?.port == 99)
    for port in 0..<2000 {
      let address = PeerAddress(host: "a", port: port)
      schedule.add(address, for: .address(address))
    }
    #expect(schedule.targets.count == DialSchedule.maxPeers)
  }

  @Test func theDialerFindsAPeerThatComesLate() async throws {
    let a = try TestNode()
    let b = try TestNode()
    let c = try TestNode()
    let address = try await b.listen()
    await b.transport.shutdown()
    let dialer = PeerDialer(transport: a.transport)
    dialer.add(address, for: .node(c.identity.nodeID))
    var handled = 0
    var isListening = false
    let time = SystemTime()
    _ = try await {
      let deadline = ContinuousClock().now + .seconds(10)
      while ContinuousClock().now < deadline {
        let events = a.log.now.events
        for event in events.dropFirst(handled) {
          if case .dialFailed(let node, let address, _) = event { dialer.failed(node, address) }
          if case .connected(_, let peer, _, _) = event { return dialer.connected(.node(peer.nodeID)) }
        }
        handled = events.count
        if handled >= 2, !isListening {
          isListening = true
          _ = try await c.transport.listen(on: address)
        }
        dialer.due(now: time.monotonicNanoseconds())
        try await Task.sleep(for: .milliseconds(5))
      }
      throw TestNode.TimedOut(waitedFor: "a connection", events: [])
    }()
    await a.transport.shutdown()
    await c.transport.shutdown()
  }
}
