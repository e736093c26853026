import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import TestSupport
import Testing

/// A path that no peer would understand is named, and neither stops the folder nor travels.
@Suite struct LongPathTests {
  @Test func itIsBlockedAndTheRestGoesOn() async throws {
    let volume = MemoryVolume()
    try MirrorLife.prepare(volume)
    let name = String(repeating: "n", count: 250)
    var directory = BytePath(name)
    for _ in 0..<300 {
      _ = try volume.makeDirectory(directory, permissions: 0o755)
      directory = directory.appending(Array(name.utf8))
    }
    volume.write(BytePath("short"), [1])
    let life = try MirrorLife(1, volume: volume, disk: MemoryDisk())
    try await life.start()
    #expect(await life.rests())
    let paths = life.ownVersions
    #expect(paths.contains(BytePath("short")))
    #expect(paths.map(\.bytes.count).max() == 16 * 251 - 1)
    let blocked = await life.mirror.status(pendingLimit: 1).blocked
    #expect(blocked.map(\.path.bytes.count).min() == 17 * 251 - 1)
    #expect(blocked.allSatisfy { $0.error.code == .unsupported })
    await life.end()
  }
}
