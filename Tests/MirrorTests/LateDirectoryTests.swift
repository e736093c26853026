import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// A file became a directory, whose entry changed once more: in the feed it comes after what is in it.
@Suite struct LateDirectoryTests {
  private let place = BytePath("place")
  private let inside = BytePath("place/inside")

  private func changes(_ peer: MirrorLife, of paths: BytePath...) async -> [Change] {
    await peer.changes().filter { change in paths.contains { change.key == [UInt8(ascii: "p")] + $0.bytes } }
  }

  private func copies(_ life: MirrorLife) -> Int { FileConflicts.all(in: MirrorLife.folder, of: life.store).count }

  @Test func aFileGivesWayOnlyWhenThePeerHasSaidAll() async throws {
    let (peer, here, volumes) = try await MirrorLife.sharing(place, Array("a file".utf8))
    #expect(volumes[1].content(place) != nil)

    volumes[0].removeTree(place)
    _ = try volumes[0].makeDirectory(place, permissions: 0o755)
    volumes[0].write(inside, Array("in it".utf8))
    await peer.mirror.handle([.subtreeChanged(place)])
    #expect(await peer.rests())

    await here.mirror.feed(of: peer.node, isComplete: false)
    _ = try await here.mirror.receive(await changes(peer, of: inside), from: peer.node, cursor: nil)
    #expect(await !here.rests(seconds: 0.3), "it waits for the directory")
    #expect(volumes[1].content(place) != nil)

    _ = try await here.mirror.receive(await changes(peer, of: place), from: peer.node, cursor: nil)
    await here.mirror.feed(of: peer.node, isComplete: true)
    #expect(await here.rests())
    #expect(volumes[1].content(inside) == Array("in it".utf8))
    #expect(copies(here) == 0)
    for life in [peer, here] { await life.end() }
  }

  /// A directory was moved into one that has just taken a file's place: that one's entry comes first all the same.
  @Test func whatIsMovedIntoItComesAfterIt() async throws {
    let (other, moved) = (BytePath("other"), BytePath("place/other"))
    let (peer, here, volumes) = try await MirrorLife.sharing(place, Array("a file".utf8))
    volumes[0].write(BytePath("other/x"), Array("moved".utf8))
    await peer.mirror.handle([.subtreeChanged(other)])
    #expect(await peer.rests())

    volumes[0].removeTree(place)
    _ = try volumes[0].makeDirectory(place, permissions: 0o755)
    _ = try volumes[0].move(other, to: moved)
    await peer.mirror.handle([.moved(from: other, to: moved, isDirectory: true), .changed(place)])
    #expect(await peer.rests())
    let changes = await changes(peer, of: place, moved, BytePath("place/other/x"))
    #expect(changes.count == 3)
    #expect(changes.min { $0.sequence < $1.sequence }?.key == [UInt8(ascii: "p")] + place.bytes)
    for life in [peer, here] { await life.end() }
  }

  /// More files than are looked at in one go: none of them keeps its directory from being looked at.
  @Test func manyFilesComeAfterTheDirectoryThatTookAFilesPlace() async throws {
    let (peer, here, volumes) = try await MirrorLife.sharing(place, Array("a file".utf8))
    volumes[0].removeTree(place)
    _ = try volumes[0].makeDirectory(place, permissions: 0o755)
    let inside = (0..<4_000).map { BytePath("place/\($0)") }
    for path in inside { volumes[0].write(path, Array("in it".utf8)) }
    await peer.mirror.handle((inside + [place]).map { .changed($0) })
    #expect(await peer.rests(seconds: 30))
    let changes = await changes(peer, of: place) + changes(peer, of: inside[7]) + changes(peer, of: inside[3_999])
    #expect(changes.count == 3)
    #expect(changes.min { $0.sequence < $1.sequence }?.key == [UInt8(ascii: "p")] + place.bytes)
    for life in [peer, here] { await life.end() }
  }

  @Test func aFileThatThePeerNeverHadBecomesACopy() async throws {
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[1].write(place, Array("a file of this node's".utf8))
    _ = try volumes[0].makeDirectory(place, permissions: 0o755)
    volumes[0].write(inside, Array("in it".utf8))
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk())
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.feed(of: peer.node, isComplete: false)
    _ = try await here.mirror.receive(await changes(peer, of: inside), from: peer.node, cursor: nil)
    #expect(await !here.rests(seconds: 0.3))
    #expect(copies(here) == 0)
    await here.mirror.feed(of: peer.node, isComplete: true)
    #expect(await here.rests())
    #expect(volumes[1].content(inside) == Array("in it".utf8))
    #expect(copies(here) == 1)
    for life in [peer, here] { await life.end() }
  }
}
