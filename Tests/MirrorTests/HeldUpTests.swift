import Glibc
import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

/// What has to wait holds up neither its sender nor anything else, and what nobody recorded is left alone.
@Suite struct HeldUpTests {
  private let directory = BytePath("place")

  private func child(_ number: Int) -> BytePath { directory.appending(Array("file\(number)".utf8)) }

  /// Receives one batch after the other, as a peer's messages come; false if one is held for too long.
  private func receive(_ changes: [Change], _ pair: FetchingPair) async throws -> Bool {
    let (here, peer) = (pair.here.mirror, pair.peer.node)
    let receiving = Task {
      for start in stride(from: 0, to: changes.count, by: 32) {
        await here.feed(of: peer, isComplete: false)
        _ = try await here.receive(Array(changes[start..<min(start + 32, changes.count)]), from: peer, cursor: nil)
      }
      await here.feed(of: peer, isComplete: true)
      return true
    }
    let patience = Task {
      try await Task.sleep(for: .seconds(60))
      await here.abandon()
    }
    defer { patience.cancel() }
    let isDone = try await receiving.value
    return isDone ? await pair.here.rests(seconds: 60) : false
  }

  /// More small files than may wait in memory come before the entry of the directory that takes a file's place.
  @Test(.timeLimit(.minutes(2))) func aDirectoryMayFollowWhatIsInIt() async throws {
    let count = 360
    let pair = try await FetchingPair(of: [1, 2, 3], at: directory)
    try await pair.receive()
    #expect(await pair.here.rests())
    let volume = pair.volumes[0]
    volume.removeTree(directory)
    _ = try volume.makeDirectory(directory, permissions: 0o755)
    for number in 0..<count {
      volume.write(child(number), [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 48 << 10))
    }
    await pair.peer.mirror.handle([.subtreeChanged(directory)])
    #expect(await pair.peer.rests(seconds: 20))
    // Its entry is newer than those of what is in it.
    _ = try volume.setPermissions(ofDirectory: directory, 0o750)
    await pair.peer.mirror.handle([.changed(directory)])
    #expect(await pair.peer.rests())
    volume.write(BytePath("later"), [9])
    await pair.peer.mirror.handle([.changed(BytePath("later"))])
    #expect(await pair.peer.rests())
    let changes = await pair.peer.changes().sorted { $0.sequence < $1.sequence }
    #expect(changes.last?.key == Array("plater".utf8) && changes.dropLast().last?.key == Array("pplace".utf8))
    #expect(try await receive(changes, pair))
    #expect(pair.volumes[1].content(BytePath("later")) == [9])
    for number in 0..<count { #expect(pair.volumes[1].content(child(number))?.count == 48 << 10) }
    #expect(try pair.volumes[1].status(directory)?.permissions == 0o750)
    await pair.end()
  }

  /// Below a directory that cannot be made.
  @Test(.timeLimit(.minutes(2))) func whatCannotBeMadeHoldsUpNothingElse() async throws {
    let pair = try await FetchingPair(of: [1], at: BytePath("first"))
    let volume = pair.volumes[0]
    _ = try volume.makeDirectory(directory, permissions: 0o755)
    for number in 0..<360 { volume.write(child(number), [UInt8](repeating: 7, count: 48 << 10)) }
    await pair.peer.mirror.handle([.subtreeChanged(directory)])
    #expect(await pair.peer.rests(seconds: 20))
    volume.write(BytePath("later"), [9])
    await pair.peer.mirror.handle([.changed(BytePath("later"))])
    #expect(await pair.peer.rests())
    let place = directory
    pair.volumes[1].fail { operation, path in operation == .makeDirectory && path.isWithin(place) ? EACCES : nil }
    let changes = await pair.peer.changes().sorted { $0.sequence < $1.sequence }
    let receiving = Task { try await receive(changes, pair) }
    let deadline = ContinuousClock.now + .seconds(20)
    while pair.volumes[1].content(BytePath("later")) == nil {
      try #require(ContinuousClock.now < deadline)
      try await Task.sleep(for: .milliseconds(5))
    }
    pair.volumes[1].fail(nil)
    #expect(await pair.here.mirror.retry(.root))
    #expect(try await receiving.value)
    for number in 0..<360 { #expect(pair.volumes[1].content(child(number)) != nil) }
    await pair.end()
  }

  /// A peer's deletion of what was never here meets a directory that somebody has made here meanwhile.
  @Test(arguments: [false, true]) func aDirectoryThatSomebodyMadeIsNobodysToDelete(hasContent: Bool) async throws {
    let pair = try await FetchingPair(of: [1], at: BytePath("first"))
    let volume = pair.volumes[0]
    _ = try volume.makeDirectory(directory, permissions: 0o755)
    await pair.peer.mirror.handle([.subtreeChanged(directory)])
    #expect(await pair.peer.rests())
    volume.removeTree(directory)
    await pair.peer.mirror.handle([.changed(directory)])
    #expect(await pair.peer.rests())
    // Nobody has looked at it yet.
    _ = try pair.volumes[1].makeDirectory(directory, permissions: 0o700)
    if hasContent { pair.volumes[1].write(child(1), [5]) }
    try await pair.receive()
    #expect(await pair.here.rests())
    #expect(try pair.volumes[1].status(directory)?.permissions == 0o700)
    let entry = try #require(try pair.here.store.get(StoreKey.file(MirrorLife.folder, directory)))
    #expect(!entry.isDeleted && entry.version?.dot.replica == pair.here.store.replica)
    await pair.end()
  }

  /// A conflict stays one where its directory gets another name.
  @Test func aRenamedDirectoryKeepsItsConflicts() async throws {
    let pair = try await FetchingPair(of: [1], at: BytePath("first"))
    for (volume, content) in zip(pair.volumes, [[1], [2, 2]] as [[UInt8]]) {
      _ = try volume.makeDirectory(directory, permissions: 0o755)
      volume.write(child(1), content)
    }
    for life in [pair.peer, pair.here] {
      await life.mirror.handle([.subtreeChanged(directory)])
      #expect(await life.rests())
    }
    try await pair.receive()
    #expect(await pair.here.rests())
    #expect(await pair.here.mirror.status(pendingLimit: 1).conflicts == 1)
    let moved = BytePath("moved")
    _ = try pair.volumes[1].move(directory, to: moved)
    await pair.here.mirror.handle([.moved(from: directory, to: moved, isDirectory: true)])
    #expect(await pair.here.rests())
    #expect(pair.volumes[1].items(within: moved).count(where: { $0.kind == .file }) == 2)
    #expect(await pair.here.mirror.status(pendingLimit: 1).conflicts == 1)
    await pair.end()
  }
}
