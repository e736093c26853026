import Foundation
import TestSupport
import Testing

extension Integration {
  /// The key-value store beside the files.
  @Suite struct ValueTests {
    @Test(.timeLimit(.minutes(2)))
    func putHereGetThere() async throws {
      try await Lab.pair { pair in
        try await pair.a.succeed(["store", "put", "theme", "dark"])
        try await until("the value does not arrive") {
          let got = try await pair.b.run(["store", "get", "theme"])
          return got.code == 0 && got.output == "dark"
        }
        let text = String(repeating: "0123456789abcdef", count: 4 << 16)
        let line = #"{"key":"large","value":"\#(text)"}"#
        try Data((line + "\n").utf8).write(to: URL(filePath: pair.lab.base + "/import.jsonl"))
        try await pair.b.succeed(["store", "put", "small", "x"])
        try await importFile(pair.b, pair.lab.base + "/import.jsonl")
        try await until("4 MiB do not arrive") { try await pair.a.run(["store", "get", "large"]).output == text }
        try await pair.b.succeed(["store", "remove", "theme"])
        try await until("the removal does not arrive") { try await pair.a.run(["store", "get", "theme"]).code == 1 }
        let listed = try await pair.a.succeed(["store", "list", "--json"])
        let keys = try JSONDecoder().decode([Listed].self, from: Data(listed.utf8)).map(\.key)
        #expect(keys == ["large", "small"])
      }
    }

    private struct Listed: Decodable { var key: String }

    private func importFile(_ node: TestNode, _ path: String) async throws {
      // Through a shell: the program reads stdin.
      let process = Process()
      process.executableURL = URL(filePath: TestNode.executable)
      process.arguments = ["store", "import", "--home", node.home]
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: path))
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }

    @Test(.timeLimit(.minutes(1)))
    func whatWasPutSurvivesKill() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.start()
        for number in 1...20 { try await node.succeed(["store", "put", "key\(number)", "value\(number)"]) }
        await node.kill()
        // From disk first, then from a node that starts again.
        #expect(try await node.succeed(["store", "get", "key20"]) == "value20")
        try await node.start()
        for number in 1...20 { #expect(try await node.succeed(["store", "get", "key\(number)"]) == "value\(number)") }
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func compareAndSwap() async throws {
      struct Value: Decodable {
        var version: String
        var valueBase64: String?
      }
      try await Lab.use { lab in
        let node = try lab.node("a")
        try await node.succeed(["store", "put", "k", "1", "--if-version", "absent"])
        #expect(try await node.run(["store", "put", "k", "2", "--if-version", "absent"]).code == 75)
        let got = try JSONDecoder().decode(
          Value.self, from: Data(try await node.succeed(["store", "get", "k", "--json"]).utf8))
        #expect(got.valueBase64 == Data("1".utf8).base64EncodedString())
        try await node.succeed(["store", "put", "k", "2", "--if-version", got.version])
        #expect(try await node.run(["store", "put", "k", "3", "--if-version", got.version]).code == 75)
        #expect(try await node.succeed(["store", "get", "k"]) == "2")
      }
    }
  }
}
