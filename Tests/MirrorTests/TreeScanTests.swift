import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// What a scan reads on the spot, and what it only names.
@Suite struct TreeScanTests {
  private let volume = MemoryVolume()
  private let life: MirrorLife
  private let path = BytePath("file")

  init() throws { life = try MirrorLife(1, volume: volume, disk: MemoryDisk()) }

  private var observer: Observer { life.mirror.observer }

  private func scan(_ room: ScanRoom? = ScanRoom(), of directory: BytePath = .root) -> TreeScan.Result {
    TreeScan(observer: observer, room: room, isIgnored: { _, _ in false }).compare(directory)
  }

  private func put(_ path: BytePath, isDeleted: Bool = false) throws {
    let key = StoreKey.file(observer.folder, path)
    let version = life.store.newVersion(basedOn: VersionVector(), author: AuthorTag(rawValue: 1))
    try life.store.commit([
      isDeleted
        ? .delete(key: key, value: [], version: version, tag: 0, flags: 0)
        : .put(key: key, value: [1], version: version, tag: 5)
    ])
  }

  @Test func newSmallFilesAreReadAndTheRestIsNamed() throws {
    volume.write(path, Array("one".utf8))
    volume.write(BytePath("large"), [UInt8](repeating: 1, count: Change.maxInlineBytes + 1))
    _ = try volume.makeDirectory(BytePath("directory"), permissions: 0o755)
    _ = try volume.makeSymlink(Array("target".utf8), at: BytePath("link"), modifiedNanoseconds: 1)
    let result = scan()
    #expect(result.new.map(\.path) == [path])
    guard case .changed(let found) = result.new.first?.observation, found.inline == Array("one".utf8) else {
      Issue.record("\(result.new)")
      return
    }
    #expect(Set(result.candidates) == Set(["large", "directory", "link"].map { BytePath($0) }))
    #expect(result.directories == [BytePath("directory")])
  }

  @Test(arguments: [false, true])
  func whatHasAnEntryIsNamed(isDeleted: Bool) throws {
    volume.write(path, Array("one".utf8))
    try put(path, isDeleted: isDeleted)
    let result = scan()
    #expect(result.new.isEmpty && result.candidates == [path])
  }

  /// A directory had been there: what lived in it is deleted first.
  @Test func whereSomethingLivesBelowItIsNamed() throws {
    volume.write(path, Array("one".utf8))
    try put(path.appending("below".utf8))
    let result = scan()
    #expect(result.new.isEmpty && result.candidates == [path])
  }

  @Test func withoutRoomItIsNamed() throws {
    volume.write(path, Array("one".utf8))
    volume.write(BytePath("other"), [])
    let room = ScanRoom()
    let most = UInt64(ScanRoom.maxBytes - 2 * ScanRoom.itemBytes - 1)
    #expect(room.take(most))
    let result = scan(room)
    #expect(result.new.map(\.path) == [BytePath("other")] && result.candidates == [path])
    room.giveBack(most)
    #expect(Set(scan(room).new.map(\.path)) == [path, BytePath("other")])
    #expect(scan(nil).new.isEmpty)
  }

  /// Read, and then gone or worked on before it was recorded.
  @Test(arguments: [false, true])
  func whatIsReportedMeanwhileIsLookedAtAnew(isReported: Bool) async throws {
    try MirrorLife.prepare(volume)
    volume.write(path, Array("one".utf8))
    let result = scan(life.mirror.scanRoom)
    #expect(result.new.count == 1)
    await life.mirror.runWithoutLoops()
    if isReported {
      volume.removeTree(path)
      await life.mirror.handle([.changed(path)])
    }
    await life.mirror.recordNew(result.new, in: .root)
    let entry = try life.store.get(StoreKey.file(observer.folder, path))
    #expect((entry == nil) == isReported)
    try await life.start()
    #expect(await life.rests())
    #expect(life.ownVersions == (isReported ? [] : [path]))
    await life.end()
  }

  @Test func whatWasTakenInMeanwhileStays() async throws {
    volume.write(path, Array("one".utf8))
    let result = scan(life.mirror.scanRoom)
    await life.mirror.runWithoutLoops()
    try put(path)
    await life.mirror.recordNew(result.new, in: .root)
    #expect(try life.store.get(StoreKey.file(observer.folder, path))?.value == [1])
    #expect(await life.mirror.dirty == [path])
  }

  /// More than fits at once.
  @Test func everythingIsTakenInAndAllRoomGivenBack() async throws {
    try MirrorLife.prepare(volume)
    let content = [UInt8](repeating: 7, count: Change.maxInlineBytes)
    let count = ScanRoom.maxBytes / content.count + 50
    for number in 0..<count { volume.write(BytePath("d/\(number)"), content) }
    try await life.start()
    #expect(await life.rests())
    #expect(life.ownVersions.count == count + 1)
    let room = life.mirror.scanRoom
    #expect(room.take(UInt64(ScanRoom.maxBytes - ScanRoom.itemBytes)))
    await life.end()
  }

  /// Peers make a directory with the mode that its entry says, if that comes first.
  @Test func whatLiesInADirectoryThatIsNotRecordedYetWaits() async throws {
    try MirrorLife.prepare(volume)
    let inside = BytePath("d/inside")
    volume.write(inside, Array("one".utf8))
    let result = scan(life.mirror.scanRoom, of: BytePath("d"))
    await life.mirror.runWithoutLoops()
    await life.mirror.handle([.changed(BytePath("d"))])
    await life.mirror.recordNew(result.new, in: BytePath("d"))
    #expect(try life.store.get(StoreKey.file(observer.folder, inside)) == nil)
    try await life.start()
    #expect(await life.rests())
    let sequences = [BytePath("d"), inside].compactMap {
      life.store.summary(StoreKey.file(observer.folder, $0))?.sequence
    }
    #expect(sequences.count == 2 && sequences == sequences.sorted())
    await life.end()
  }

  /// A folder that was stopped may belong to another group by now.
  @Test func nothingIsRecordedAfterTheEnd() async throws {
    try MirrorLife.prepare(volume)
    try await life.start()
    #expect(await life.rests())
    volume.write(path, Array("one".utf8))
    let result = scan(life.mirror.scanRoom)
    await life.mirror.stop()
    await life.mirror.recordNew(result.new, in: .root)
    #expect(try life.store.get(StoreKey.file(observer.folder, path)) == nil)
    life.store.closeBlocking()
  }

  /// What is not sent is not read again and again, either.
  @Test func whatIsNotSentIsReadOnce() async throws {
    try MirrorLife.prepare(volume)
    volume.write(path, Array("one".utf8))
    let life = try MirrorLife(
      2, volume: volume, disk: MemoryDisk(), mode: .receiveOnly, granularityNanoseconds: Int64.max / 4)
    try await life.start()
    #expect(await life.rests())
    #expect(await life.mirror.unsupported[path] != nil)
    #expect(await life.mirror.unsettled.isEmpty)
    await life.end()
  }
}

extension FolderMirror {
  /// As in the middle of a scan: nothing else is observed meanwhile.
  fileprivate func runWithoutLoops() { isRunning = true }
}
