import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// A folder that stops leaves nothing half done behind: another life may begin in the same directory at once.
@Suite struct StoppingTests {
  private let path = BytePath("file")
  private let to = BytePath("elsewhere")
  private let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

  /// Stops the mirror when the volume comes to the operation at the path, and gives that time before it goes on.
  private func stop(_ life: MirrorLife, at operation: MemoryVolume.Operation, _ volume: MemoryVolume) -> Stop {
    let stop = Stop()
    volume.interrupt { [path] now, at in
      guard now == operation, at == path, stop.isToCome.clear() else { return }
      Task {
        await life.mirror.stop()
        stop.isGoingOn.clear()
      }
      usleep(50_000)
      if !stop.isGoingOn.isSet { stop.hasWaited.clear() }
    }
    return stop
  }

  private struct Stop {
    let isToCome = SharedFlag()
    let isGoingOn = SharedFlag()
    let hasWaited = SharedFlag()
  }

  @Test func aRenameOfAPeerIsCarriedOutWhole() async throws {
    let pair = try await FetchingPair(of: content, at: path)
    try await pair.receive()
    #expect(await pair.here.rests())
    _ = try pair.volumes[0].move(path, to: to)
    await pair.peer.mirror.handle([.moved(from: path, to: to, isDirectory: false)])
    #expect(await pair.peer.rests())
    let stop = stop(pair.here, at: .move, pair.volumes[1])
    try await pair.receive()
    #expect(await eventually { !stop.isGoingOn.isSet })
    #expect(!stop.isToCome.isSet && stop.hasWaited.isSet)
    #expect(pair.volumes[1].content(to) == content)
    #expect(try pair.here.store.get(StoreKey.file(MirrorLife.folder, to))?.isDeleted == false)
    await pair.end()
  }

  @Test func whatIsPutAwayIsPutAwayWhole() async throws {
    let volume = MemoryVolume()
    try MirrorLife.prepare(volume)
    volume.write(path, content)
    let life = try MirrorLife(1, volume: volume, disk: MemoryDisk())
    try await life.start()
    #expect(await life.rests())
    let key = StoreKey.file(MirrorLife.folder, path)
    let dot = try #require(life.store.summary(key)?.dot)
    let item = SyncMessage.InventoryItem(
      key: Array(key.dropFirst(SpaceID.folder(MirrorLife.folder).prefix.count)), dot: dot)
    let stop = stop(life, at: .displace, volume)
    // It may have stopped before it could say so.
    _ = try? await life.mirror.deletedElsewhere([item])
    #expect(await eventually { !stop.isGoingOn.isSet })
    #expect(!stop.isToCome.isSet && stop.hasWaited.isSet)
    #expect(volume.content(path) == nil)
    await life.end()
  }
}
