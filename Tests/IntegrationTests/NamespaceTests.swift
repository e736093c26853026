import Foundation
import Glibc
import TestSupport
import Testing

extension Integration {
  /// Two hosts: network namespaces joined by a cable, no address given to anybody. Needs root and `ip`.
  @Suite(.enabled(if: Namespaces.isPossible)) struct NamespaceTests {
    /// A node on each host, the second with an invite of the first.
    private static func pair(_ lab: Lab, _ first: String, _ second: String) async throws -> (TestNode, TestNode) {
      let a = try lab.node("a", prefix: ["/usr/bin/env", "ip", "netns", "exec", first])
      let b = try lab.node("b", prefix: ["/usr/bin/env", "ip", "netns", "exec", second])
      let invite = try await a.succeed(["invite"])
      try await a.start(loopback: false)
      try await b.start(["--join", invite], loopback: false)
      return (a, b)
    }

    @Test(.timeLimit(.minutes(2)))
    func theyFindEachOther() async throws {
      try await Namespaces.with { first, second in
        try await Lab.use { lab in
          let (a, b) = try await Self.pair(lab, first, second)
          try a.write("from-a", "1")
          try b.write("from-b", "2")
          try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
          #expect(try Trees.read(a.folder).count == 2)
          // And again without the invite.
          await b.stop()
          try a.write("while-away", "3")
          try await b.start(loopback: false)
          try await until("it does not catch up") { try Trees.read(b.folder).count == 3 }
        }
      }
    }

    private struct Heard: Decodable, Equatable {
      var id: String
      var address: String
    }

    private static func discover(_ node: TestNode) async throws -> [Heard] {
      let text = try await node.succeed(["discover", "--for", "500ms", "--json"])
      return try JSONDecoder().decode([Heard].self, from: Data(text.utf8))
    }

    /// Whether a node runs here or not, and connected or not.
    @Test(.timeLimit(.minutes(2)))
    func whoAnnouncesItselfIsHeard() async throws {
      try await Namespaces.with { first, second in
        try await Lab.use { lab in
          let (a, b) = try await Self.pair(lab, first, second)
          try a.write("from-a", "1")
          try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
          let status = try JSONDecoder().decode(
            NodeStatus.self, from: Data(try await b.succeed(["status", "--json"]).utf8))
          let fromRunning = try await Self.discover(a)
          #expect(Set(fromRunning.map(\.id)) == [status.node.id])
          #expect(fromRunning.contains { $0.address.hasPrefix("10.99.0.2:") })
          await a.stop()
          #expect(Set(try await Self.discover(a).map(\.id)) == [status.node.id])
          await b.stop()
          #expect(try await Self.discover(a).isEmpty)
        }
      }
    }

    /// Both hosts move to another network: nobody waits for the next look at the interfaces, nor for a dead connection.
    @Test(.timeLimit(.minutes(2)))
    func aNewAddressIsNoticedAtOnce() async throws {
      try await Namespaces.with { first, second in
        for name in [first, second] {
          try Namespaces.ip("netns", "exec", name, "sysctl", "-w", "net.ipv6.conf.all.disable_ipv6=1")
        }
        try await Lab.use { lab in
          let (a, b) = try await Self.pair(lab, first, second)
          try a.write("before", "1")
          try await Trees.untilEqual(a.folder, b.folder, within: .seconds(30))
          for (number, name) in zip(1..., [first, second]) {
            try Namespaces.ip(
              "-n", name, "addr", "add", "10.77.0.\(number)/24", "broadcast", "10.77.0.255", "dev", "lan0")
            try Namespaces.ip("-n", name, "addr", "del", "10.99.0.\(number)/24", "dev", "lan0")
          }
          try a.write("after", "2")
          try await until("it does not arrive", within: .seconds(8)) { try Trees.read(b.folder).count == 2 }
          // One alone: the other's end of the connection is dead, and it cannot know that.
          try Namespaces.ip("-n", second, "addr", "del", "10.77.0.2/24", "dev", "lan0")
          try Namespaces.ip("-n", second, "addr", "add", "10.77.0.9/24", "broadcast", "10.77.0.255", "dev", "lan0")
          try a.write("then", "3")
          try await until("it does not arrive", within: .seconds(30)) { try Trees.read(b.folder).count == 3 }
        }
      }
    }
  }
}

enum Namespaces {
  static var isPossible: Bool {
    guard geteuid() == 0 else { return false }
    let name = "softadastra-probe-\(getpid())"
    guard (try? ip("netns", "add", name)) != nil else { return false }
    return (try? ip("netns", "del", name)) != nil
  }

  static func with(_ body: (String, String) async throws -> Void) async throws {
    let names = ["a", "b"].map { "softadastra-\(getpid())-\($0)" }
    func remove() { for name in names { try? ip("netns", "del", name) } }
    do {
      for name in names { try ip("netns", "add", name) }
      try ip("link", "add", "lan0", "netns", names[0], "type", "veth", "peer", "name", "lan0", "netns", names[1])
      for (number, name) in zip(1..., names) {
        try ip("-n", name, "link", "set", "lo", "up")
        try ip("-n", name, "addr", "add", "10.99.0.\(number)/24", "broadcast", "10.99.0.255", "dev", "lan0")
        try ip("-n", name, "link", "set", "lan0", "up")
        try ip("-n", name, "route", "add", "224.0.0.0/4", "dev", "lan0")
      }
      try await body(names[0], names[1])
    } catch {
      remove()
      throw error
    }
    remove()
  }

  static func ip(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["ip"] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure("ip \(arguments.joined(separator: " ")) failed") }
  }
}
