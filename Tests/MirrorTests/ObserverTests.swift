import SoftadastraCore
import SoftadastraFS
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraMirror

/// A look at a file whose status the scan has seen a moment before.
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
    guard case .changed(let value, let fingerprint, let inline) = observer.observe(path, lookedAt: seen) else {
      Issue.record("not seen as a new file")
      return
    }
    #expect(value.value.size == 3 && fingerprint == seen.fingerprint && inline == Array("one".utf8))
  }

  @Test func whatChangedSinceIsLookedAtAnew() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    for content in ["two", "three", ""] {
      volume.write(path, Array(content.utf8))
      let now = try #require(try volume.status(path))
      guard case .changed(let value, now.fingerprint, let inline) = observer.observe(path, lookedAt: seen) else {
        Issue.record("\(content) was taken for what had been seen")
        return
      }
      #expect(inline == Array(content.utf8) && value.value.size == UInt64(content.utf8.count))
    }
  }

  @Test func againstAnEntryOnlyTheDiskCounts() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    let version = observer.store.newVersion(basedOn: VersionVector(), author: AuthorTag(rawValue: 1))
    try observer.store.commit([
      .put(key: StoreKey.file(observer.folder, path), value: [], version: version, tag: seen.fingerprint)
    ])
    guard case .unchanged = observer.observe(path, lookedAt: seen) else {
      Issue.record("the disk holds what the entry says")
      return
    }
    volume.removeTree(path)
    guard case .absent = observer.observe(path, lookedAt: seen) else {
      Issue.record("its deletion was not seen")
      return
    }
  }

  @Test func whatIsGoneIsAbsent() throws {
    volume.write(path, Array("one".utf8))
    let seen = try #require(try volume.status(path))
    volume.removeTree(path)
    guard case .absent = observer.observe(path, lookedAt: seen) else {
      Issue.record("not absent")
      return
    }
  }
}
