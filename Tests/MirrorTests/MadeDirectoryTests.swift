import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// A file arrives before its directory's entry, and the node is started anew: the directory is nobody's edit.
@Suite struct MadeDirectoryTests {
  @Test func aParentMadeInAnEarlierLifeIsNobodysEdit() async throws {
    let (directory, file) = (BytePath("dir"), BytePath("dir/file"))
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    let disk = MemoryDisk()
    _ = try volumes[0].makeDirectory(directory, permissions: 0o755)
    volumes[0].write(file, Array("by the peer".utf8))
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    try await peer.start()
    #expect(await peer.rests())
    let changes = await peer.changes().filter { $0.key == [UInt8(ascii: "p")] + file.bytes }
    #expect(changes.count == 1)

    let first = try MirrorLife(2, volume: volumes[1], disk: disk)
    try await first.start()
    _ = try await first.mirror.receive(changes, from: peer.node, cursor: nil)
    #expect(await first.rests())
    #expect(volumes[1].content(file) != nil)
    await first.mirror.abandon()
    first.store.closeBlocking()

    let second = try MirrorLife(2, volume: volumes[1], disk: disk.kill(), seed: 2)
    try await second.start()
    #expect(await second.rests())
    #expect(try second.store.get(StoreKey.file(MirrorLife.folder, directory)) == nil, "no version of its own")

    // The last thing in it goes, and it with that.
    volumes[0].removeTree(directory)
    await peer.mirror.handle([.changed(file), .changed(directory)])
    #expect(await peer.rests())
    _ = try await second.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await second.rests())
    #expect(try volumes[1].status(directory) == nil)

    // What a person makes there is a person's.
    _ = try volumes[1].makeDirectory(directory, permissions: 0o755)
    await second.mirror.handle([.subtreeChanged(directory)])
    #expect(await second.rests())
    let made = try #require(try second.store.get(StoreKey.file(MirrorLife.folder, directory)))
    #expect(!made.isDeleted && made.version?.dot.replica == second.store.replica)
    for life in [peer, second] { await life.end() }
  }

  /// It stays nobody's edit where somebody renames the directory above it.
  @Test func aRenameAboveDoesNotMakeItSomebodys() async throws {
    let (directory, file) = (BytePath("dir"), BytePath("dir/sub/file"))
    let moved = BytePath("new/sub")
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    let disk = MemoryDisk()
    for path in [directory, BytePath("dir/sub")] { _ = try volumes[0].makeDirectory(path, permissions: 0o755) }
    volumes[0].write(file, Array("by the peer".utf8))
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    try await peer.start()
    #expect(await peer.rests())
    let changes = await peer.changes().filter { change in
      [directory, file].contains { change.key == [UInt8(ascii: "p")] + $0.bytes }
    }
    #expect(changes.count == 2)

    let first = try MirrorLife(2, volume: volumes[1], disk: disk)
    try await first.start()
    _ = try await first.mirror.receive(changes, from: peer.node, cursor: nil)
    #expect(await first.rests())
    _ = try volumes[1].move(directory, to: BytePath("new"))
    await first.mirror.handle([.moved(from: directory, to: BytePath("new"), isDirectory: true)])
    #expect(await first.rests())
    #expect(try first.store.get(StoreKey.file(MirrorLife.folder, BytePath("new/sub/file")))?.isDeleted == false)
    #expect(try first.store.get(StoreKey.file(MirrorLife.folder, moved)) == nil)
    await first.mirror.abandon()
    first.store.closeBlocking()

    let second = try MirrorLife(2, volume: volumes[1], disk: disk.kill(), seed: 2)
    try await second.start()
    #expect(await second.rests())
    #expect(try second.store.get(StoreKey.file(MirrorLife.folder, moved)) == nil)
    for life in [peer, second] { await life.end() }
  }
}
