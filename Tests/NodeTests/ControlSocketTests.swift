import Foundation
import Logging
import NIOCore
import SoftadastraCore
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraNode

@Suite struct ControlSocketTests {
  /// A home of its own, a server over a fake service, and a client; all gone afterwards.
  private func served(
    deep: Bool = false, onStop: (@Sendable () async -> Void)? = nil,
    _ body: (ControlClient, FakeService, Home) async throws -> Void
  ) async throws {
    let base = FileManager.default.temporaryDirectory.appending(path: "softadastra-\(UUID().uuidString)")
    let home = Home(path: deep ? base.path + "/" + String(repeating: "deep/", count: 40) + "home" : base.path)
    try FileManager.default.createDirectory(atPath: home.path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: base) }
    let service = FakeService()
    let server = try await ControlServer.start(
      service, home: home, logger: Logger(label: "test"), onStop: onStop)
    do {
      try await body(ControlClient(home: home), service, home)
    } catch {
      await server.close()
      throw error
    }
    await server.close()
    #expect(!FileManager.default.fileExists(atPath: home.controlSocket))
  }

  @Test(arguments: [false, true])
  func everyCallReachesTheService(deep: Bool) async throws {
    try await served(deep: deep) { client, service, _ in
      #expect(try await client.isRunning())
      #expect(try await client.node() == FakeService.nodeReport)
      #expect(try await client.status() == FakeService.statusReport)
      #expect(try await client.invite(expiresSeconds: 60, uses: 2) == "invite 60 2")
      try await client.join("x")
      try await client.addFolder(FolderRequest(path: "/p", name: "n", adopt: true))
      try await client.addPeerAddress("a:1")
      try await client.removePeerAddress("b")
      try await client.retry(["p", "q"])
      try await client.compactLog()
      #expect(try await client.tick() == TickReport(retried: 1, pruned: 2, batches: 3, batchEntries: 4))
      #expect(try await client.wait(timeoutSeconds: 1.5, peers: 2) == WaitReport(done: false, reason: "1.5 2"))
      #expect(try await client.list(prefix: [0xFF], after: [0], limit: 7).map(\.key) == ["[255] [0] 7"])
      #expect(try await client.list(prefix: [], after: nil, limit: 7).map(\.key) == ["[] - 7"])
      try await client.remove(key: [1])
      #expect(try await client.discover(seconds: 1) == [DiscoveredReport(id: "d", address: "a")])
      #expect(try await client.conflicts() == [FakeService.conflictReport])
      #expect(try await client.versions(["p"]) == [FakeService.versionReport("p", "t")])
      #expect(try await client.restore(["p"], at: "x") == [FakeService.versionReport("p", "x")])
      #expect(try await client.restore(["p"], at: nil) == [FakeService.versionReport("p", "-")])
      try await client.resolveConflict(["/p", "p"], keep: "both")
      try await client.removeFolder("f")
      #expect(try await client.confirmDeletions("abc") == 3)
      #expect(try await client.revertFolder("abc") == 6)
      #expect(
        service.calls.withLock { $0 } == [
          "join x", "add /p n true", "peer a:1", "remove-peer b", "retry p q", "compact", "remove [1]",
          "resolve [\"/p\", \"p\"] both", "remove-folder f",
        ])
    }
  }

  @Test func aValueOfTheLargestSizePasses() async throws {
    try await served { client, _, _ in
      let value = (0..<Bounds.maxValueBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let put = try await client.put(key: Array("k".utf8), value: value, ifVersion: "absent")
      #expect(put.version == "absent" && put.size == value.count)
      let got = try await client.get(key: Array("k".utf8))
      #expect(got.valueBase64 == Data(value).base64EncodedString())
    }
  }

  @Test func errorsCrossWhole() async throws {
    try await served { client, _, _ in
      do {
        _ = try await client.get(key: Array("missing".utf8))
        Issue.record("it was found")
      } catch {
        #expect(error as? SoftadastraError == FakeService.failure)
      }
    }
  }

  @Test func streamsEndWithTheClient() async throws {
    try await served { client, service, _ in
      let follower = Task {
        var seen: [NodeEvent] = []
        for await event in try await client.events() {
          seen.append(event)
          if seen.count == 3 { break }
        }
        return seen
      }
      try await until("nobody follows") { service.followers.withLock { $0 } == 1 }
      for path in ["a", "b", "c", "d"] { service.send(NodeEvent("received", path: path)) }
      #expect(try await follower.value.map(\.path) == ["a", "b", "c"])
      try await until("the stream goes on without a client") { service.followers.withLock { $0 } == 0 }
    }
  }

  @Test func valuesAreFollowed() async throws {
    try await served { client, _, _ in
      var seen: [String] = []
      for await value in try await client.watchValues(prefix: Array("p".utf8)) { seen.append(value.key) }
      #expect(seen == ["p1", "p2"])
    }
  }

  @Test func stopGoesToTheOwner() async throws {
    let (stops, continuation) = AsyncStream<Void>.makeStream()
    try await served(onStop: { continuation.yield() }) { client, _, _ in
      try await client.stop()
      for await _ in stops { break }
    }
  }

  @Test func withoutANodeItSaysSo() async throws {
    let client = ControlClient(home: Home(path: "/nonexistent/home"))
    #expect(try await client.isRunning() == false)
    await #expect { try await client.status() } throws: {
      let error = $0 as? SoftadastraError
      return error?.code == .closed && error?.hint.contains("softadastra watch") == true
    }
  }

  @Test func aStaleSocketIsReplacedAndTheDirectoryProtected() async throws {
    try await served { client, service, home in
      // A second server takes over what a dead one left: the lock, not the socket, tells who may.
      let second = try await ControlServer.start(service, home: home, logger: Logger(label: "test"))
      #expect(try await client.isRunning())
      let mode = try FileManager.default.attributesOfItem(atPath: home.controlDirectory)[.posixPermissions] as? Int
      #expect(mode == 0o700)
      await second.close()
    }
  }
}

@Suite struct ControlLinesTests {
  @Test func linesInAnyPieces() throws {
    let text = Array("one\n\nthree\nrest".utf8)
    for size in 1...text.count {
      var lines = ControlLines()
      var seen: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        lines.append(ByteBuffer(bytes: text[start..<min(start + size, text.count)]))
        while let line = try lines.next() { seen.append(String(decoding: line, as: UTF8.self)) }
      }
      #expect(seen == ["one", "", "three"])
    }
  }

  @Test func aLineAboveTheLimitIsRefusedBeforeItsEnd() throws {
    var lines = ControlLines(limit: 4)
    lines.append(ByteBuffer(string: "1234"))
    #expect(try lines.next() == nil)
    lines.append(ByteBuffer(string: "5"))
    #expect(throws: SoftadastraError.self) { try lines.next() }
  }
}
