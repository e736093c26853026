import Foundation
import SoftadastraCore
import SoftadastraNode
import SoftadastraWAL
import TestSupport
import Testing

/// A home whose log lost a byte: it opens, keeps its identity and group, says what happened, and is sound again.
@Suite struct DamageRecoveryTests {
  private func open(_ path: String) async throws -> OfflineNode {
    try await OfflineNode.open(home: Home(path: path), options: NodeOptions(name: "damaged"), create: true)
  }

  private func verify(_ home: String) throws -> WALReport {
    try WriteAheadLog.verify(disk: SystemDisk(path: home + "/log", create: false))
  }

  @Test(.timeLimit(.minutes(2))) func aFlippedByteAnywhere() async throws {
    let base = FileManager.default.temporaryDirectory.path + "/softadastra-damage-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: base) }
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
    // In one directory all the time: elsewhere it would be a copy, which is another matter.
    let home = base + "/home"
    var node = try await open(home)
    for number in 0..<4 {
      _ = try await node.put(key: Array("key\(number)".utf8), value: Array("value \(number)".utf8), ifVersion: nil)
    }
    let before = try await node.node()
    await node.close()
    let file = "/log/0000000000000001.wal"
    let bytes = try Data(contentsOf: URL(filePath: home + file))
    let copy = try Data(contentsOf: URL(filePath: home + "/settings.copy"))
    let used = try #require(bytes.lastIndex { $0 != 0 }) + 1 - 36
    var replicas: Set<String> = [before.replica]
    var lost = 0
    for at in stride(from: 0, to: used, by: 11) {
      for name in try FileManager.default.contentsOfDirectory(atPath: home + "/log") where name != "lock" {
        try FileManager.default.removeItem(atPath: "\(home)/log/\(name)")
      }
      try copy.write(to: URL(filePath: home + "/settings.copy"))
      var spoilt = bytes
      spoilt[at] ^= 0x10
      try spoilt.write(to: URL(filePath: home + file))
      let found = try #require(try verify(home).damage.first, "byte \(at)")
      #expect(found.segment == "0000000000000001.wal" && found.offset <= UInt64(at))
      #expect(found.offset + found.byteCount > UInt64(at))

      node = try await open(home)
      let now = try await node.node()
      #expect(now.id == before.id && now.group == before.group, "byte \(at)")
      #expect(replicas.insert(now.replica).inserted, "byte \(at): the replica ID was used before")
      let values = try await node.list(prefix: [], after: nil, limit: 10)
      #expect(values.count >= 3)
      lost += 4 - values.count
      _ = try await node.put(key: Array("new".utf8), value: [1], ifVersion: nil)
      await node.close()
      let report = try verify(home)
      #expect(report.damage.isEmpty && report.setAside.count == 1, "byte \(at)")
      node = try await open(home)
      #expect(try await node.get(key: Array("new".utf8)).size == 1)
      #expect(try await node.node().replica == now.replica)
      await node.close()
    }
    // One value at most each time, and only where the byte was of its record.
    #expect(lost > 0 && lost < used / 11)
  }
}
