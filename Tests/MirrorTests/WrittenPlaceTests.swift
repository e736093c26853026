import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// Somebody writes to a peer's file at the moment it is placed, with its size and its times: the fingerprint that was
/// noted is from after the write.
@Suite struct WrittenPlaceTests {
  @Test func theBytesDecideWhereSomebodyWrote() async throws {
    let path = BytePath("file")
    let (peer, here, volumes) = try await MirrorLife.sharing(path, Array("by the peer".utf8))
    let key = StoreKey.file(MirrorLife.folder, path)
    let theirs = try #require(try here.store.get(key)?.version?.dot)

    let modified = try #require(try volumes[1].status(path)?.modifiedNanoseconds)
    volumes[1].write(path, Array("by somebody".utf8))
    _ = try volumes[1].setModified(path, nanoseconds: modified)
    let fingerprint = try #require(try volumes[1].status(path)?.fingerprint)
    try here.store.commit([.retag(key: key, tag: fingerprint)])

    // The node's own work makes events, too: they are not worth a read.
    await here.mirror.handle([.changed(path)])
    #expect(await here.rests())
    #expect(try here.store.get(key)?.version?.dot == theirs)

    await here.mirror.handle([.written(path)])
    #expect(await here.rests())
    let ours = try #require(try here.store.get(key)?.version)
    #expect(ours.dot.replica == here.store.replica && ours.vector.covers(theirs))
    for life in [peer, here] { await life.end() }
  }
}
