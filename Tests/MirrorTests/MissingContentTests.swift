import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// A version is known, and nobody can be asked for its bytes: that may pass. It is waited for, and comes.
@Suite struct MissingContentTests {
  private let path = BytePath("file")

  private static func content(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 5)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test(arguments: [SyncMessage.FetchFailure.superseded, .unreadable])
  func itIsWaitedForAndComes(reason: SyncMessage.FetchFailure) async throws {
    let content = Self.content(Change.maxInlineBytes + 1)
    let refuses = SharedFlag()
    let pair = try await FetchingPair(of: content, at: path) { _, _ in refuses.isSet ? .refused(reason) : .served }
    try await pair.receive()
    #expect(await !pair.here.rests(seconds: 0.3))
    #expect(try pair.volumes[1].status(path) == nil)

    refuses.clear()
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    await pair.end()
  }

  /// Of a large file a part has come, and nobody has the rest: that part is not read again at each of the tries.
  @Test func whatHasComeIsNotReadAgain() async throws {
    let content = Self.content(6 << 20)
    let isOver = SharedFlag()
    isOver.clear()
    let refusals = Counter()
    let pair = try await FetchingPair(of: content, at: path) { _, fetch in
      guard !isOver.isSet, fetch.offset >= 3 << 20 || refusals.value > 0 else { return .served }
      refusals.add()
      return .refused(.unreadable)
    }
    let reads = Counter()
    pair.volumes[1].fail { operation, _ in
      if operation == .read, refusals.value > 0 { reads.add() }
      return nil
    }
    try await pair.receive()
    // Several tries, each refused again.
    for _ in 0..<500 where refusals.value < 12 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(refusals.value >= 12)
    #expect(reads.value == 0)
    isOver.set()
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    #expect(pair.bytesServed == content.count)
    await pair.end()
  }

  /// It was deleted while this node was away for so long that nobody remembers that. A crash may have left it on the disk
  /// before its record: then it is that version, and no edit that brings the file back everywhere.
  @Test(arguments: [false, true]) func whatWasDeletedElsewhereIsWaitedForNoLonger(isOnDisk: Bool) async throws {
    let content = Self.content(Change.maxInlineBytes + 1)
    let pair = try await FetchingPair(of: content, at: path) { _, _ in .refused(.superseded) }
    try await pair.receive()
    #expect(await !pair.here.rests(seconds: 0.1))
    if isOnDisk {
      pair.volumes[1].write(path, content)
      let original = try #require(try pair.volumes[0].status(path))
      _ = try pair.volumes[1].setModified(path, nanoseconds: original.modifiedNanoseconds)
    }
    let remote = StoreKey.remotePrefix(MirrorLife.folder)
    #expect(pair.here.store.list(prefix: remote, limit: 2).count == 1)

    let space = SpaceID.folder(MirrorLife.folder).prefix
    let gone = pair.peer.store.list(prefix: space, limit: 2).compactMap { key, summary in
      summary.dot.map { SyncMessage.InventoryItem(key: Array(key.dropFirst(space.count)), dot: $0) }
    }
    #expect(gone.count == 1)
    #expect(try await pair.here.mirror.deletedElsewhere(gone) == (isOnDisk ? 1 : 0))
    #expect(await pair.here.rests())
    #expect(await pair.here.mirror.status(pendingLimit: 1).blocked.isEmpty)
    #expect(pair.here.store.list(prefix: remote, limit: 1).isEmpty)
    #expect(pair.volumes[1].content(path) == nil)
    #expect(pair.here.store.list(prefix: space, limit: 1).isEmpty)
    await pair.end()
  }

  /// The peer has just started: it did not know the folder yet when the first range was asked for, and did for the rest.
  @Test func aRangeThatFailedWhileOthersCameIsAskedForAgain() async throws {
    let content = Self.content(5 << 20)
    let isFirst = SharedFlag()
    let pair = try await FetchingPair(of: content, at: path) { _, _ in
      isFirst.clear() ? .refused(.unknownFolder) : .served
    }
    try await pair.receive()
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    #expect(!isFirst.isSet, "nothing was refused")
    await pair.end()
  }

  /// The other one, which did not have it, is asked again: it may have it by now.
  @Test func theLastOfSeveralSourcesGoes() async throws {
    let content = Self.content(5 << 20)
    let refuses = SharedFlag()
    let refused = Counter()
    let asked = Counter()
    let silent = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!
    let pair = try await FetchingPair(of: content, at: path, others: [silent]) { node, _ in
      if node == silent {
        asked.add()
        return .silence
      }
      guard refuses.isSet else { return .served }
      refused.add()
      return .refused(.superseded)
    }
    try await pair.receive()
    try await until("not both are asked") { asked.value > 0 && refused.value > 0 }
    #expect(await !pair.here.rests(seconds: 0.1))
    refuses.clear()
    await pair.here.mirror.peerDisconnected(silent, session: 1)
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    await pair.end()
  }

  /// Whom nobody asked does not answer for another: neither with bytes nor without.
  @Test func answersOfWhomNobodyAskedDoNotCount() async throws {
    let content = Self.content(5 << 20)
    let stranger = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!
    let isHeld = SharedFlag()
    let requests = Counter()
    let pair = try await FetchingPair(of: content, at: path) { _, _ in
      requests.add()
      return isHeld.isSet ? .servedLate : .served
    }
    try await pair.receive()
    try await until("nothing is asked for") { requests.value > 0 }
    for request: UInt64 in 0..<20 {
      await pair.here.mirror.fetchFailed(request, .superseded, from: stranger)
      await pair.here.mirror.received(
        SyncMessage.FetchedData(request: request, count: 1, in: SharedBytes.inArray) { _ in 1 }, from: stranger)
    }
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    #expect(pair.bytesServed == content.count, "what was asked for once is not asked for again")
    await pair.end()
  }
}
