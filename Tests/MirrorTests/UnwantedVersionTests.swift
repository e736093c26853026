import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// What was deleted elsewhere, long ago, and cannot be put away now goes when it can.
@Suite struct UnwantedVersionTests {
  private let path = BytePath("file")
  private let space = SpaceID.folder(MirrorLife.folder).prefix
  private let kept = StoreKey.unwantedPrefix(MirrorLife.folder)

  private func gone(_ life: MirrorLife) -> [SyncMessage.InventoryItem] {
    life.store.list(prefix: space, limit: 10).compactMap { key, summary in
      summary.dot.map { SyncMessage.InventoryItem(key: Array(key.dropFirst(space.count)), dot: $0) }
    }
  }

  private func until(_ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(20)
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      try? await Task.sleep(for: .milliseconds(2))
    }
    return true
  }

  private static func full(_ operation: MemoryVolume.Operation, _ path: BytePath) -> Int32? {
    operation == .displace ? ENOSPC : nil
  }

  private func havingIt(_ volume: MemoryVolume, _ disk: MemoryDisk) async throws -> MirrorLife {
    try MirrorLife.prepare(volume)
    volume.write(path, [1, 2, 3])
    let life = try MirrorLife(1, volume: volume, disk: disk)
    try await life.start()
    #expect(await life.rests())
    return life
  }

  /// Holds the file that is deleted elsewhere, and has no room to put it away.
  private func holdingIt(_ volume: MemoryVolume, _ disk: MemoryDisk) async throws -> MirrorLife {
    let life = try await havingIt(volume, disk)
    volume.fail(Self.full)
    #expect(try await life.mirror.deletedElsewhere(gone(life)) == 0)
    return life
  }

  @Test(arguments: [false, true]) func itGoesWhenItCan(isAfterRestart: Bool) async throws {
    let (volume, disk) = (MemoryVolume(), MemoryDisk())
    var life = try await holdingIt(volume, disk)
    #expect(volume.content(path) == [1, 2, 3])
    #expect(await life.mirror.status(pendingLimit: 1).blocked.map(\.path) == [path])
    #expect(life.store.list(prefix: kept, limit: 2).count == 1)
    if isAfterRestart {
      await life.end()
      life = try MirrorLife(1, volume: volume, disk: disk, seed: 2)
      try await life.start()
    }
    volume.fail(nil)
    let store = life.store
    #expect(await until { volume.content(path) == nil && store.list(prefix: kept, limit: 1).isEmpty })
    #expect(await life.rests())
    #expect(await life.mirror.status(pendingLimit: 1).blocked.isEmpty)
    let entry = try #require(try life.store.get(StoreKey.file(MirrorLife.folder, path)))
    #expect(entry.isDeleted && entry.version != nil)
    await life.end()
  }

  /// An edit is a version that nobody deleted.
  @Test func whatIsEditedMeanwhileStays() async throws {
    let volume = MemoryVolume()
    let life = try await holdingIt(volume, MemoryDisk())
    volume.write(path, [4, 5])
    await life.mirror.rescan()
    #expect(await life.rests())
    volume.fail(nil)
    #expect(await until { life.store.list(prefix: kept, limit: 1).isEmpty })
    #expect(await life.rests())
    #expect(volume.content(path) == [4, 5])
    #expect(try life.store.get(StoreKey.file(MirrorLife.folder, path))?.isDeleted == false)
    await life.end()
  }

  /// Between the look at it and its way into the archive.
  @Test func whatIsWrittenInThatMomentStays() async throws {
    let volume = MemoryVolume()
    let life = try await havingIt(volume, MemoryDisk())
    let isUnwritten = SharedFlag()
    volume.interrupt { [path] operation, at in
      if operation == .displace, at == path, isUnwritten.clear() { volume.write(path, [4, 5]) }
    }
    #expect(try await life.mirror.deletedElsewhere(gone(life)) == 1)
    #expect(await life.rests())
    volume.interrupt(nil)
    let live = life.store.list(prefix: StoreKey.filePrefix(MirrorLife.folder), limit: 10).compactMap {
      StoreKey.path(ofFileKey: $0.key)
    }
    #expect(live.count == 1 && live.first != path && live.first.flatMap { volume.content($0) } == [4, 5])
    #expect(try life.store.get(StoreKey.file(MirrorLife.folder, path))?.isDeleted == true)
    #expect(life.store.list(prefix: kept, limit: 1).isEmpty)
    await life.end()
  }

  /// A folder that only receives has no deletions of its own, but this is none.
  @Test func aFolderThatOnlyReceivesForgetsItToo() async throws {
    let (peer, sharing, volumes) = try await MirrorLife.sharing(path, [1, 2, 3])
    await sharing.end()
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk(), mode: .receiveOnly)
    try await here.start()
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await here.rests())
    #expect(try await here.mirror.deletedElsewhere(gone(here)) == 1)
    #expect(await here.rests())
    #expect(volumes[1].content(path) == nil && volumes[1].archived.count == 1)
    #expect(try here.store.get(StoreKey.file(MirrorLife.folder, path))?.isDeleted == true)
    #expect(await here.mirror.status(pendingLimit: 1).blocked.isEmpty)
    for life in [peer, here] { await life.end() }
  }

  /// Whoever asks is to know that it is not done.
  @Test func aFolderThatHasStoppedSaysSo() async throws {
    let volume = MemoryVolume()
    let life = try await havingIt(volume, MemoryDisk())
    let items = gone(life)
    await life.mirror.stop()
    await #expect(throws: SoftadastraError.self) { try await life.mirror.deletedElsewhere(items) }
    #expect(volume.content(path) == [1, 2, 3])
    life.store.closeBlocking()
  }

  /// Also where it has only sent since.
  @Test func aFolderThatOnlySendsDeletesNothing() async throws {
    let (volume, disk) = (MemoryVolume(), MemoryDisk())
    var life = try await holdingIt(volume, disk)
    await life.end()
    volume.fail(nil)
    life = try MirrorLife(1, volume: volume, disk: disk, seed: 2, mode: .sendOnly)
    try await life.start()
    #expect(await life.rests())
    // Thirty seconds of this clock are 0.3 of the machine's.
    try await Task.sleep(for: .milliseconds(700))
    #expect(volume.content(path) == [1, 2, 3])
    #expect(life.store.list(prefix: kept, limit: 2).count == 1)
    await life.end()
  }
}
