import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A large file changes all the time: its next version is made from older ones in place.
@Suite struct SpareVersionsTests {
  static let path = BytePath("journal")

  private static func file(_ number: Int, size: UInt64 = 2 << 20) -> ArchivedFile {
    ArchivedFile(
      archived: BytePath("archive/\(number)"), path: path,
      status: FileStatus(
        kind: .file, mode: 0o644, size: size, modifiedNanoseconds: 1, changedNanoseconds: 1, inode: UInt64(number),
        device: 1))
  }

  private final class Clock: TimeSource {
    let now = Mutex<UInt64>(1_000_000_000_000)
    func wallMilliseconds() -> Int64 { 0 }
    func monotonicNanoseconds() -> UInt64 { now.withLock { $0 } }
    func sleep(nanoseconds: UInt64) async {}
    func pass(seconds: UInt64) { now.withLock { $0 += seconds * 1_000_000_000 } }
  }

  private final class Link: Sendable {
    let receiver = Mutex<MirrorLife?>(nil)
    let bytes = Atomic(0)
    let requests = Atomic(0)
    let isSilent = Atomic(false)
  }

  /// As many stay as the archive keeps.
  @Test func onlyWhatTheArchiveWouldRemoveIsSpare() {
    let clock = Clock()
    let spares = SpareVersions(time: clock)
    var reused: [Int] = []
    for number in 0..<100 {
      spares.archived(Self.file(number))
      clock.pass(seconds: 1)
      if case .archived(let file) = spares.take(Self.path) { reused.append(Int(file.status.inode)) }
    }
    let kept = (0..<100).filter { !reused.contains($0) }
    #expect(kept == [0, 30, 60, 90])
    #expect(spares.take(Self.path) == nil, "each only once")
    spares.archived(Self.file(200, size: 1000))
    #expect(spares.take(Self.path) == nil, "small ones are not worth it")
  }

  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func whateverIsMadeFromOlderVersionsIsWhatThePeerHas(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    var content = (0..<3 << 19).map { _ in UInt8.random(in: 0...255, using: &random) }
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(Self.path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let link = Link()
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { message in
      guard case .fetch(let fetch) = message, let mirror = link.receiver.withLock({ $0 })?.mirror else { return }
      Task {
        if fetch.request % 3 == 0 { try? await Task.sleep(for: .milliseconds(5)) }
        for answer in await peer.mirror.serve(fetch) {
          switch answer {
          case .data(let data):
            link.bytes.add(data.bytes.count, ordering: .relaxed)
            await mirror.received(data, from: peer.node)
          case .fetchFailed(let request, let reason): await mirror.fetchFailed(request, reason, from: peer.node)
          default: break
          }
        }
      }
    }
    link.receiver.withLock { $0 = here }
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    var edited = 0
    for step in 0..<25 {
      let at = Int.random(in: 0..<content.count, using: &random)
      let length = min(Int.random(in: 1...200_000, using: &random), content.count - at)
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1, 2:
        content += (0..<1024).map { _ in UInt8.random(in: 0...255, using: &random) }
        edited += 1024
      // What is all zeros need not be written to a new file, but to one that held something else.
      case 3:
        content.replaceSubrange(at..<at + length, with: [UInt8](repeating: 0, count: length))
        edited += length
      case 4:
        for index in at..<at + min(length, 100) { content[index] ^= 0xAA }
        edited += 100
      default: content.removeLast(min(length, content.count / 4))
      }
      volumes[0].write(Self.path, content)
      await peer.mirror.handle([.changed(Self.path)])
      #expect(await peer.rests())
      _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
      if Bool.random(using: &random) || step == 24 {
        #expect(await here.rests())
        #expect(volumes[1].content(Self.path) == content)
      }
    }
    #expect(volumes[1].content(Self.path) == volumes[0].content(Self.path))
    #expect(try volumes[1].status(Self.path)?.size == UInt64(content.count))
    // Of each edit, some chunks around it; never the file.
    #expect(link.bytes.load(ordering: .relaxed) < 3 << 19 + edited + 25 * (512 << 10))
    #expect(try volumes[1].stagedNames().isEmpty, "nothing is left over")
    for life in [peer, here] { await life.end() }
  }

  /// In a new file zeros need not be written. Here the older version has something else in their place.
  @Test func zerosAreWrittenOverWhatAnOlderVersionHeld() async throws {
    var random = SeededRandom(seed: 4)
    var content = (0..<8 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
    let volumes = [MemoryVolume(), MemoryVolume()]
    for volume in volumes { try MirrorLife.prepare(volume) }
    volumes[0].write(Self.path, content)
    let peer = try MirrorLife(1, volume: volumes[0], disk: MemoryDisk())
    let link = Link()
    let here = try MirrorLife(2, volume: volumes[1], disk: MemoryDisk()) { message in
      guard case .fetch(let fetch) = message, let mirror = link.receiver.withLock({ $0 })?.mirror else { return }
      link.requests.add(1, ordering: .relaxed)
      guard !link.isSilent.load(ordering: .relaxed) else { return }
      for case .data(let data) in await peer.mirror.serve(fetch) { await mirror.received(data, from: peer.node) }
    }
    link.receiver.withLock { $0 = here }
    for life in [peer, here] {
      try await life.start()
      #expect(await life.rests())
    }
    await here.mirror.peerConnected(peer.node, replica: peer.store.replica, session: 1)
    func send() async throws {
      volumes[0].write(Self.path, content)
      await peer.mirror.handle([.changed(Self.path)])
      #expect(await peer.rests())
      _ = try await here.mirror.receive(await peer.changes(), from: peer.node, cursor: nil)
    }
    try await send()
    #expect(await here.rests())

    link.isSilent.store(true, ordering: .relaxed)
    let before = link.requests.load(ordering: .relaxed)
    content += (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    try await send()
    while link.requests.load(ordering: .relaxed) == before { try await Task.sleep(for: .milliseconds(1)) }

    link.isSilent.store(false, ordering: .relaxed)
    let zeros = 1 << 20..<(1 << 20) + 3_400_000
    content.replaceSubrange(zeros, with: [UInt8](repeating: 0, count: zeros.count))
    try await send()
    #expect(await here.rests())
    #expect(volumes[1].content(Self.path) == content)
    for life in [peer, here] { await life.end() }
  }
}
