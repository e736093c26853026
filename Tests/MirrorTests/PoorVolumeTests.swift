import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A folder on a filesystem without permissions, whose times are coarse: what it cannot hold is nobody's edit.
@Suite struct PoorVolumeTests {
  private let file = BytePath("file")
  private let directory = BytePath("directory")
  private let old = BytePath("directory/old")
  private static let modified: Int64 = 1_600_000_001_987_654_321

  /// What a peer has, and a receiver that holds less.
  private func pair() async throws -> (peer: MirrorLife, here: MirrorLife, volumes: [MemoryVolume]) {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[1].heldAttributes = .fat
    volumes[0].write(file, Array("file".utf8), permissions: 0o640)
    _ = try volumes[0].setModified(file, nanoseconds: Self.modified)
    volumes[0].write(old, Array("old".utf8), permissions: 0o755)
    _ = try volumes[0].setModified(old, nanoseconds: -300_000_000_000_000_000)
    _ = try volumes[0].setPermissions(directory, 0o700)
    _ = try volumes[0].makeSymlink(
      Array("file".utf8), at: BytePath("link"), modifiedNanoseconds: Self.modified)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk(), granularityNanoseconds: 2_000_000_000)
    for life in [peer, here] { try await life.start() }
    #expect(await peer.rests())
    try await give(peer, to: here)
    return (peer, here, volumes)
  }

  private func give(_ peer: MirrorLife, to here: MirrorLife) async throws {
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await here.rests())
  }

  private func entry(_ path: BytePath, in life: MirrorLife) throws -> FileValue? {
    let entry = try #require(try life.store.get(StoreKey.file(MirrorLife.folder, path)))
    return try FileEntry(entry, at: path.description).value
  }

  @Test func whatIsReceivedIsNoEdit() async throws {
    let (peer, here, volumes) = try await pair()
    #expect(volumes[1].content(old) == Array("old".utf8))
    #expect(try volumes[1].status(file)?.permissions == 0o777)
    // Looked at again, the bytes included.
    await here.mirror.handle([.written(file), .written(old), .changed(directory), .changed(BytePath("link"))])
    await here.mirror.rescan()
    #expect(await here.rests())
    #expect(here.ownVersions.isEmpty)
    #expect(try entry(file, in: here) == entry(file, in: peer))
    for life in [peer, here] { await life.end() }
  }

  /// As another mount may number files anew.
  @Test func aNewStartFindsNoEdit() async throws {
    let (peer, here, volumes) = try await pair()
    for path in [file, old] {
      let content = volumes[1].content(path)!
      let modified = try volumes[1].status(path)!.modifiedNanoseconds
      volumes[1].removeTree(path)
      volumes[1].write(path, content)
      _ = try volumes[1].setModified(path, nanoseconds: modified)
    }
    await here.mirror.rescan()
    #expect(await here.rests())
    #expect(here.ownVersions.isEmpty)
    for life in [peer, here] { await life.end() }
  }

  @Test func anEditKeepsThePermissions() async throws {
    let (peer, here, volumes) = try await pair()
    volumes[1].write(file, Array("edited".utf8))
    volumes[1].write(BytePath("new"), Array("new".utf8))
    _ = try volumes[1].makeDirectory(BytePath("made"), permissions: 0o755)
    await here.mirror.handle([.written(file), .written(BytePath("new")), .changed(BytePath("made"))])
    #expect(await here.rests())
    try await give(here, to: peer)
    #expect(volumes[0].content(file) == Array("edited".utf8))
    #expect(try volumes[0].status(file)?.permissions == 0o640)
    #expect(try volumes[0].status(BytePath("new"))?.permissions == 0o644)
    #expect(try volumes[0].status(BytePath("made"))?.permissions == 0o755)
    #expect(here.ownVersions.count == 3 && peer.ownVersions.count == 3)
    for life in [peer, here] { await life.end() }
  }

  /// Other bytes within the step of the recorded time: who goes by times must see that.
  @Test func anEditAtOnceHasAnotherTime() async throws {
    let (peer, here, volumes) = try await pair()
    volumes[1].write(file, Array("same".utf8))
    _ = try volumes[1].setModified(file, nanoseconds: Self.modified)
    await here.mirror.handle([.written(file)])
    #expect(await here.rests())
    let value = try entry(file, in: here)
    #expect(value?.size == 4 && value?.modifiedNanoseconds == HeldAttributes.fat.shown(Self.modified))
    for life in [peer, here] { await life.end() }
  }

  /// A time that differs by more than a step is somebody's.
  @Test func aTouchIsAnEdit() async throws {
    let (peer, here, volumes) = try await pair()
    _ = try volumes[1].setModified(file, nanoseconds: Self.modified + 10_000_000_000)
    await here.mirror.handle([.changed(file)])
    #expect(await here.rests())
    #expect(here.ownVersions.count == 1)
    for life in [peer, here] { await life.end() }
  }

  @Test func aPeersNewModeIsTaken() async throws {
    let (peer, here, volumes) = try await pair()
    _ = try volumes[0].setPermissions(file, 0o600)
    _ = try volumes[0].setPermissions(directory, 0o750)
    await peer.mirror.handle([.changed(file), .changed(directory)])
    #expect(await peer.rests())
    try await give(peer, to: here)
    #expect(try entry(file, in: here)?.permissions == 0o600)
    #expect(try entry(directory, in: here)?.permissions == 0o750)
    #expect(here.ownVersions.isEmpty)
    for life in [peer, here] { await life.end() }
  }

  /// A crash between the disk and the record.
  @Test func whatACrashLeftIsAdopted() async throws {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[1].heldAttributes = .fat
    volumes[0].write(file, Array("file".utf8), permissions: 0o640)
    _ = try volumes[0].setModified(file, nanoseconds: Self.modified)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    try await peer.start()
    #expect(await peer.rests())
    volumes[1].write(file, Array("file".utf8))
    _ = try volumes[1].setModified(file, nanoseconds: HeldAttributes.fat.shown(Self.modified))
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk())
    try await here.mirror.start()
    try await give(peer, to: here)
    await here.mirror.rescan()
    #expect(await here.rests())
    #expect(here.ownVersions.isEmpty)
    #expect(try entry(file, in: here)?.permissions == 0o640)
    for life in [peer, here] { await life.end() }
  }
}
