import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// Somebody writes to a file in the moment in which a peer's rename takes it along.
@Suite struct WrittenMoveTests {
  private let from = BytePath("before")
  private let to = BytePath("after")
  private let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

  @Test(arguments: [false, true]) func itIsAVersionOfTheirs(isWritten: Bool) async throws {
    let pair = try await FetchingPair(of: content, at: from)
    try await pair.receive()
    #expect(await pair.here.rests())
    _ = try pair.volumes[0].move(from, to: to)
    await pair.peer.mirror.handle([.moved(from: from, to: to, isDirectory: false)])
    #expect(await pair.peer.rests())
    let (here, written) = (pair.volumes[1], Array("by somebody".utf8))
    let isOpen = SharedFlag()
    here.interrupt { [from] operation, path in
      guard isWritten, operation == .move, path == from, isOpen.clear() else { return }
      here.write(from, written)
    }
    try await pair.receive()
    #expect(await pair.here.rests())
    here.interrupt(nil)
    #expect(here.content(from) == nil)
    #expect(here.content(to) == (isWritten ? written : content))
    let entry = try #require(try pair.here.store.get(StoreKey.file(MirrorLife.folder, to)))
    let isOurs = entry.version?.dot.replica == pair.here.store.replica
    #expect(isOurs == isWritten)
    #expect(pair.bytesServed == content.count)
    #expect(isOpen.isSet != isWritten)
    await pair.end()
  }
}
