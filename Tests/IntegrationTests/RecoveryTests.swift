import Foundation
import Glibc
import SoftadastraCLI
import TestSupport
import Testing

extension Integration {
  /// Nodes that are away, or end without a word.
  @Suite struct RecoveryTests {
    @Test(.timeLimit(.minutes(2)))
    func workWhileOneIsAway() async throws {
      try await Lab.pair { pair in
        for number in 1...5 { try pair.a.write("file\(number)", "first \(number)") }
        try await pair.equal()
        #expect(await pair.b.stop() == 0)
        try pair.a.write("file1", "edited on a")
        #expect(unlink(pair.a.path("file2")) == 0)
        #expect(rename(pair.a.path("file3"), pair.a.path("renamed3")) == 0)
        try pair.b.write("file4", "edited on b")
        #expect(unlink(pair.b.path("file5")) == 0)
        try pair.b.write("new-on-b", "new")
        try await until("a does not tell what is pending") {
          let text = try await pair.a.succeed(["status", "--json"])
          let status = try JSONDecoder().decode(Status.self, from: Data(text.utf8))
          let paths = Set(status.folders.flatMap { $0.pendingPaths.map(\.path) })
          return status.peers.contains { $0.toSend.files >= 3 } && paths.isSuperset(of: ["file1", "file2"])
        }
        try await pair.startB()
        try await pair.equal()
        let names = Set(try Trees.read(pair.a.folder).keys)
        #expect(names == ["file1", "renamed3", "file4", "new-on-b"])
        try pair.expectNoConflicts()
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func bothEditWhileApart() async throws {
      try await Lab.pair { pair in
        try pair.a.write("notes.txt", "common\n")
        try await pair.equal()
        await pair.b.stop()
        try pair.a.write("notes.txt", "a's\n")
        try pair.b.write("notes.txt", "b's, longer\n")
        try await pair.startB()
        try await until("not both edits are kept on both sides") {
          try [pair.a, pair.b].allSatisfy { node in
            let tree = try Trees.read(node.folder)
            return tree.count == 2
              && Set(tree.values.map(\.content)) == [Data("a's\n".utf8), Data("b's, longer\n".utf8)]
          }
        }
        try await pair.equal()
        let copies = try Trees.read(pair.a.folder).keys.filter {
          $0.hasPrefix("notes.conflict-") && $0.hasSuffix(".txt")
        }
        #expect(copies.count == 1)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func aDeletedTreeDoesNotComeBack() async throws {
      try await Lab.pair { pair in
        for directory in ["tree/one", "tree/two/three"] {
          try FileManager.default.createDirectory(atPath: pair.a.path(directory), withIntermediateDirectories: true)
          for number in 1...20 { try pair.a.write("\(directory)/f\(number)", "\(number)") }
        }
        try await pair.equal()
        await pair.b.stop()
        try FileManager.default.removeItem(atPath: pair.a.path("tree"))
        try await pair.startB()
        try await pair.equal()
        #expect(try Trees.read(pair.b.folder).isEmpty)
        await pair.a.stop()
        await pair.b.stop()
        try await pair.startA()
        try await pair.startB()
        try await pair.equal()
        #expect(try Trees.read(pair.b.folder).isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [true, false])
    func killedDuringWork(sender: Bool) async throws {
      try await Lab.pair { pair in
        let writing = Task { [folder = pair.a.folder] in
          for number in 0..<2000 {
            try Data("content \(number)".utf8).write(to: URL(filePath: "\(folder)/file\(number)"))
            if number % 50 == 0 { try await Task.sleep(for: .milliseconds(5)) }
          }
        }
        try await until("nothing arrives") { try Trees.read(pair.b.folder).count > 200 }
        if sender {
          await pair.a.kill()
          try await writing.value
          try await pair.startA()
        } else {
          await pair.b.kill()
          try await writing.value
          try await pair.startB()
        }
        try await pair.equal(within: .seconds(60))
        #expect(try Trees.read(pair.b.folder).count == 2000)
        try pair.expectNoConflicts()
        for node in [pair.a, pair.b] {
          let verified = try await node.run(["wal", "verify", "--json"])
          #expect(verified.code == 0 && verified.output.contains("\"sound\" : true"), "\(verified.errors)")
        }
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func signalsEndItCleanly() async throws {
      try await Lab.use { lab in
        let node = try lab.node("a")
        for signal in [SIGINT, SIGTERM] {
          try await node.start()
          node.process?.signal(signal)
          #expect(await node.process?.wait(.seconds(20)) == 0)
        }
        try await node.start()
        try await node.succeed(["node", "stop"])
        #expect(await node.process?.wait(.seconds(20)) == 0)
      }
    }
  }

  /// As far as the tests read `status --json`.
  struct Status: Decodable {
    struct Amount: Decodable { var files: Int }
    struct Pending: Decodable { var path: String }
    struct Folder: Decodable { var pendingPaths: [Pending] }
    struct Peer: Decodable {
      var state: String
      var toSend: Amount
    }
    var folders: [Folder]
    var peers: [Peer]
  }
}
