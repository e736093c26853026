import SoftadastraCore
import SoftadastraStore
import TestSupport
import Testing

@testable import SoftadastraNode

/// Following values: nothing is missed, however slowly it is read.
@Suite struct ValueWatchTests {
  private func put(_ node: OfflineNode, _ key: String, _ value: String) async throws {
    _ = try await node.put(key: Array(key.utf8), value: Array(value.utf8), ifVersion: nil)
  }

  @Test(.timeLimit(.minutes(1)))
  func aSlowReaderIsToldEachKeyAsItIsByThen() async throws {
    let node = try OfflineNode.inMemory(name: "memory")
    try await put(node, "p/before", "0")
    let reports = try await node.watchValues(prefix: Array("p/".utf8))
    // Far more than any queue would hold.
    let count = 3000
    for number in 0..<count { try await put(node, "p/\(number)", "first") }
    for number in 0..<count where number % 2 == 0 { try await put(node, "p/\(number)", "second") }
    try await node.remove(key: Array("p/1".utf8))
    try await put(node, "q/elsewhere", "1")
    try await put(node, "p/last", "1")
    var versions: [String: String] = [:]
    for await report in reports {
      versions[report.key] = report.version
      if report.key == "p/last" { break }
    }
    #expect(versions.count == count + 1)
    #expect(versions["p/1"] == "")
    for number in [0, 2, 3, count - 1] {
      let now = try await node.get(key: Array("p/\(number)".utf8))
      #expect(versions["p/\(number)"] == now.version)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func itWaitsAndEndsWithItsReader() async throws {
    let node = try OfflineNode.inMemory(name: "memory")
    let reports = try await node.watchValues(prefix: [])
    let reading = Task {
      var keys: [String] = []
      for await report in reports { keys.append(report.key) }
      return keys
    }
    for key in ["one", "two"] {
      try await Task.sleep(for: .milliseconds(20))
      try await put(node, key, "1")
    }
    try await Task.sleep(for: .milliseconds(100))
    reading.cancel()
    #expect(await reading.value == ["one", "two"])
  }
}
