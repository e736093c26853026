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
    let pair = try await FetchingPair(of: content, at: Self.path) { _, fetch in
      fetch.request % 3 == 0 ? .servedLate : .served
    }
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
      try await pair.edit(content)
      if Bool.random(using: &random) || step == 24 {
        #expect(await pair.here.rests())
        let isSame = pair.content == content
        #expect(isSame, "step \(step)")
      }
    }
    // Of each edit, some chunks around it; never the file.
    #expect(pair.bytesServed < 3 << 19 + edited + 25 * (512 << 10))
    #expect(try pair.volumes[1].stagedNames().isEmpty, "nothing is left over")
    await pair.end()
  }

  /// In a new file zeros need not be written. Here the older version has something else in their place.
  @Test func zerosAreWrittenOverWhatAnOlderVersionHeld() async throws {
    var random = SeededRandom(seed: 4)
    var content = (0..<8 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
    let isSilent = SharedFlag()
    isSilent.clear()
    let requests = Counter()
    let pair = try await FetchingPair(of: content, at: Self.path) { _, _ in
      requests.add()
      return isSilent.isSet ? .silence : .served
    }
    try await pair.receive()
    #expect(await pair.here.rests())

    isSilent.set()
    let before = requests.value
    content += (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    try await pair.edit(content)
    try await until("nothing is asked for") { requests.value > before }

    isSilent.clear()
    let zeros = 1 << 20..<(1 << 20) + 3_400_000
    content.replaceSubrange(zeros, with: [UInt8](repeating: 0, count: zeros.count))
    try await pair.edit(content)
    #expect(await pair.here.rests())
    let isSame = pair.content == content
    #expect(isSame)
    await pair.end()
  }
}
