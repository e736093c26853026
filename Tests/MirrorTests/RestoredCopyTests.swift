import SoftadastraCore
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// Somebody puts a conflict copy back under the name. While it travels the same bytes lie at both places.
@Suite struct RestoredCopyTests {
  private let path = BytePath("file")
  private let copy = BytePath("file.conflict-20231114-221320-gaydambq-9a4dcc")

  /// The bytes at the name lose against a concurrent edit; those at the copy's name are about to go.
  @Test func itIsKeptWhereItLosesAgainstAnEdit() async throws {
    let (peer, here, volumes) = try await MirrorLife.sharing(path, [1])
    volumes[1].write(copy, [5, 5])
    volumes[1].write(path, [5, 5])
    await here.mirror.rescan()
    #expect(await here.rests())
    try await Task.sleep(for: .milliseconds(20))
    volumes[0].write(path, [6, 6, 6])
    await peer.mirror.rescan()
    #expect(await peer.rests())
    _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    #expect(await here.rests())
    #expect(volumes[1].content(path) == [6, 6, 6])
    // What the other side did when it put the copy back: the name that it had is gone.
    volumes[1].removeTree(copy)
    await here.mirror.rescan()
    #expect(await here.rests())
    let prefix = SpaceID.folder(MirrorLife.folder).prefix
    let left = here.store.list(prefix: prefix, limit: 10).compactMap { StoreKey.path(ofFileKey: $0.key) }
    #expect(left.count == 2 && left.contains { volumes[1].content($0) == [5, 5] }, "\(left)")
    await here.end()
    await peer.end()
  }
}
