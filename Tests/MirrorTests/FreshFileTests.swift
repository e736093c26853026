import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A large new file waits a moment: it may be about to get another name.
@Suite struct FreshFileTests {
  private let path = BytePath("new")
  private let millisecond: UInt64 = 1_000_000
  private let now: Int64 = 1_700_000_000_000_000_000

  private func found(bytes: UInt64, age: Int64 = 0) -> Observation {
    let manifest = Manifest(sizeClass: 0, chunks: [])
    let value = FileValue(
      kind: .file(size: bytes, modifiedNanoseconds: 0, manifest), permissions: 0o644)
    return .changed(
      Observation.Found(value: StoredFileValue(value), fingerprint: 1, changedNanoseconds: now - age))
  }

  @Test func onlyLargeNewFilesOfTheLastMomentWait() {
    var fresh = FreshFiles()
    func delay(_ observation: Observation, isNew: Bool = true) -> UInt64? {
      fresh.delay(path, observation, isNew: isNew, wall: now, monotonic: 1)
    }
    #expect(delay(found(bytes: FreshFiles.minBytes - 1)) == nil)
    #expect(delay(found(bytes: 1 << 30), isNew: false) == nil)
    #expect(delay(found(bytes: 1 << 30, age: 150_000_000)) == nil)
    #expect(delay(.absent) == nil)
    #expect(fresh.found(path) == nil)
    #expect(delay(found(bytes: FreshFiles.minBytes)) == 8 * millisecond)
    #expect(delay(found(bytes: 256 << 20, age: 28_000_000)) == 100 * millisecond)
    #expect(delay(found(bytes: 1 << 40)) == 150 * millisecond)
    #expect(fresh.found(path)?.value.value.size == 1 << 40)
  }

  @Test func nobodyWaitsForLong() {
    var fresh = FreshFiles()
    // A clock far ahead, and a file that goes on changing.
    for passed in stride(from: 0, to: 1000 as UInt64, by: 100) {
      let delay = fresh.delay(
        path, found(bytes: 1 << 30, age: -3_600_000_000_000), isNew: true, wall: now, monotonic: passed * millisecond)
      #expect(delay == 150 * millisecond)
    }
    let last = fresh.delay(path, found(bytes: 1 << 30), isNew: true, wall: now, monotonic: 1000 * millisecond)
    #expect(last == nil && fresh.found(path) == nil)
  }

  /// The kernel carries out the rename when the file has been read already.
  @Test(arguments: [false, true]) func whatIsRenamedAtOnceIsAnEdit(isRenamed: Bool) async throws {
    let old = [UInt8](repeating: 7, count: Int(FreshFiles.minBytes))
    let (document, swap) = (BytePath("document"), BytePath(".document.swp"))
    // It stamps files with a time ahead of the node's clock.
    let volume = MemoryVolume(nowNanoseconds: 4_000_000_000_000_000_000)
    try MirrorLife.prepare(volume)
    let life = try MirrorLife(1, volume: volume, disk: MemoryDisk())
    volume.write(document, old)
    try await life.start()
    #expect(await life.rests())
    let (reads, looks) = (Counter(), Counter())
    volume.interrupt { operation, path in
      guard path == swap else { return }
      if operation == .open { reads.add() }
      guard operation == .status, reads.value > 0 else { return }
      looks.add()
      guard isRenamed, looks.value == 1 else { return }
      volume.removeTree(document)
      _ = try? volume.move(swap, to: document)
      Task { await life.mirror.handle([.moved(from: swap, to: document, isDirectory: false)]) }
    }
    volume.write(swap, [33] + old)
    await life.mirror.handle([.written(swap)])
    #expect(
      await eventually(within: 20) {
        let entry = try? life.store.get(StoreKey.file(MirrorLife.folder, isRenamed ? document : swap))
        return entry.flatMap { try? FileEntry($0, at: "").value?.size } == UInt64(old.count + 1)
      })
    #expect(await life.rests())
    #expect(looks.value >= 1)
    volume.interrupt(nil)
    #expect(Set(life.ownVersions) == Set(isRenamed ? [document] : [swap, document]))
    await life.end()
  }
}
