import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A look at a new file whose status a listing has just found.
@Suite struct ObserverTests {
  private let volume = MemoryVolume()
  private let observer: Observer
  private let path = BytePath("file")

  init() throws {
    let store = try Store.open(
      disk: MemoryDisk(), options: StoreOptions(isMaintainedAutomatically: false), time: FastTime(),
      random: SeededSource(seed: 1))
    let hasher = ContentHasher(secret: [UInt8](repeating: 7, count: ContentHasher.secretBytes))
    observer = Observer(
      folder: FolderID(rawValue: 1), store: store, reader: ContentReader(volume: volume, hasher: hasher),
      made: MadeDirectories())
  }

  @Test func whatWasSeenCountsWhileItIsTrue() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    guard case .changed(let found) = observer.observeNew(path, seen) else {
      Issue.record("not seen as a new file")
      return
    }
    #expect(found.value.value.size == 3 && found.fingerprint == seen.fingerprint && found.inline == Array("one".utf8))
  }

  @Test func whatChangedSinceIsLookedAtAnew() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    for content in ["two", "three", ""] {
      volume.write(path, Array(content.utf8))
      let now = try #require(try volume.status(path))
      guard case .changed(let found) = observer.observeNew(path, seen), found.fingerprint == now.fingerprint else {
        Issue.record("\(content) was taken for what had been seen")
        return
      }
      #expect(found.inline == Array(content.utf8) && found.value.value.size == UInt64(content.utf8.count))
    }
  }

  @Test func whatIsGoneIsAbsent() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    volume.removeTree(path)
    guard case .absent = observer.observeNew(path, seen) else {
      Issue.record("not absent")
      return
    }
  }

  /// Where timestamps are coarse, a file that was written to long ago needs no second look.
  @Test(arguments: [(Int64(0), Int64(0), false), (10_000_000, 0, true), (10_000_000, 3600, false)])
  func onlyWhatChangedLatelyMayChangeUnseen(granularity: Int64, age: Int64, isRecent: Bool) throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    var observer = self.observer
    observer.granularityNanoseconds = granularity
    observer.time = FixedTime(wall: seen.changedNanoseconds / 1_000_000 + age * 1000)
    guard case .changed(let found) = observer.observeNew(path, seen), found.isRecent == isRecent else {
      Issue.record("\(observer.observeNew(path, seen))")
      return
    }
  }
}

private struct FixedTime: TimeSource {
  let wall: Int64
  func wallMilliseconds() -> Int64 { wall }
  func monotonicNanoseconds() -> UInt64 { 0 }
  func sleep(nanoseconds: UInt64) async {}
}
