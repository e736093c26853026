import Foundation
import Softadastra
import SoftadastraCore
import SoftadastraNode
import Testing

/// The SDK as an application uses it.
@Suite struct ClientTests {
  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let path = NSTemporaryDirectory() + "softadastra-client-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body(path)
  }

  @Test func memoryOnlyKeepsValuesUntilItIsClosed() async throws {
    let client = Client(.memoryOnly)
    await #expect(throws: SoftadastraError.self) { try await client.get("theme") as String? }
    try await client.open()
    let version = try await client.put("theme", "dark")
    #expect(try await client.get("theme") == "dark")
    #expect(try await client.contains("theme"))
    #expect(try await client.list("th").map(\.key) == ["theme"])
    await #expect(throws: SoftadastraError.self) { try await client.put("theme", "x", ifVersion: "absent") }
    try await client.put("theme", "light", ifVersion: version)
    #expect(try await client.remove("theme"))
    #expect(try await client.remove("theme") == false)
    #expect(try await client.get("theme") as String? == nil)
    await client.close()
  }

  @Test func durableValuesAreThereAfterReopening() async throws {
    try await withDirectory { path in
      let first = Client(.durable(path))
      try await first.open()
      try await first.put("key", "value")
      let id = try await first.nodeInfo().id
      let second = Client(.durable(path))
      await #expect(throws: SoftadastraError.self) { try await second.open() }
      await first.close()
      try await second.open()
      #expect(try await second.get("key") == "value")
      #expect(try await second.nodeInfo().id == id)
      await second.close()
    }
  }

  /// Each change is replaced before the one before it is durable.
  @Test(.timeLimit(.minutes(1))) func aWatchOfValuesThatChangeQuicklySeesTheLast() async throws {
    try await withDirectory { path in
      let client = Client(.durable(path))
      try await client.open()
      let changes = try await client.watch("key")
      let last = try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<4 {
          group.addTask { for round in 0..<100 { try await client.put("key\(round % 3)", "\(writer) \(round)") } }
        }
        try await group.waitForAll()
        return try await client.put("key0", "the last")
      }
      for await change in changes where change.version == last { break }
      await client.close()
    }
  }

  @Test(.timeLimit(.minutes(1))) func twoClientsShareValues() async throws {
    try await withDirectory { path in
      let a = Client(ClientOptions(storage: .fast(path: path + "/a"), name: "a", listen: "127.0.0.1:0"))
      let b = Client(ClientOptions(storage: .fast(path: path + "/b"), name: "b", listen: "127.0.0.1:0"))
      try await a.open()
      try await b.open()
      let changes = try await b.watch("shared/")
      try await b.join(try await a.invite())
      try await a.put("shared/x", "from a")
      for await change in changes where change.key == "shared/x" { break }
      #expect(try await b.get("shared/x") == "from a")
      #expect(try await b.peers().map(\.name) == ["a"])
      await a.close()
      await b.close()
    }
  }
}
