import SoftadastraCore
import SoftadastraSync
import Testing

@testable import SoftadastraMirror

/// What waits to be applied: one change at a path at a time, newer versions in the place of older ones, staged files
/// counted by who holds them.
@Suite struct PendingTreeTests {
  private let path = BytePath("notes.txt")

  private func version(_ replica: UInt64, _ counter: UInt64, after vector: VersionVector = VersionVector()) -> Version {
    Version(
      vector: vector, dot: Dot(replica: ReplicaID(rawValue: replica), counter: counter),
      stamp: HybridTimestamp(rawValue: counter << 16), author: AuthorTag(rawValue: replica))
  }

  private func item(_ path: BytePath, _ version: Version, stagedName: String? = nil) -> PendingTree.Item {
    let value = StoredFileValue(FileValue(kind: .directory, permissions: 0o755))
    var item = PendingTree.Item(path: path, entry: FileEntry(version: version, stored: value), origins: [])
    item.stagedName = stagedName
    item.record = 5
    return item
  }

  @Test func twoVersionsOfOnePathAreNeverInOneBatch() {
    var tree = PendingTree()
    _ = tree.add(item(path, version(1, 1)))
    _ = tree.add(item(path, version(2, 1)))
    _ = tree.add(item(BytePath("other"), version(3, 1)))
    let first = tree.takeQueued(limit: 10, durable: 5) { _ in true }.items
    #expect(first.map(\.path) == [path, BytePath("other")])
    for taken in first { tree.remove(taken.path, taken.entry.version.dot) }
    let second = tree.takeQueued(limit: 10, durable: 5) { _ in true }.items
    #expect(second.map(\.entry.version.dot) == [version(2, 1).dot])
  }

  @Test func nothingIsAppliedBeforeItsRecordIsDurable() {
    var tree = PendingTree()
    var early = item(path, version(1, 1))
    early.record = nil
    _ = tree.add(early)
    #expect(tree.takeQueued(limit: 10, durable: 5) { _ in true }.items.isEmpty)
    tree.recorded([FetchKey(path: path, dot: early.entry.version.dot)], at: 6)
    let before = tree.takeQueued(limit: 10, durable: 5) { _ in true }
    // Waiting for the log is not waiting for what is unfinished on disk: that would be a barrier for each batch.
    #expect(before.items.isEmpty && !before.isHeldUp)
    let after = tree.takeQueued(limit: 10, durable: 6) { _ in true }
    #expect(after.items.count == 1 && !after.isHeldUp)
  }

  @Test func whatWaitsForItsPathIsHeldUp() {
    var tree = PendingTree()
    _ = tree.add(item(path, version(1, 1)))
    let taken = tree.takeQueued(limit: 10, durable: 5) { _ in false }
    #expect(taken.items.isEmpty && taken.isHeldUp)
  }

  /// An absence is no deletion where something newer is to lie; the version that was deleted is nothing newer, also when it
  /// comes back from a peer that has seen more.
  @Test func onlyANewerLiveVersionTakesAPlace() {
    let here = version(1, 1)
    var tree = PendingTree()
    _ = tree.add(item(path, here.absorbing(version(2, 1))))
    #expect(!tree.isReplaced(path, here))
    tree.remove(path, here.dot)
    let newer = version(3, 1, after: here.vector)
    var unrecorded = item(path, newer)
    unrecorded.record = nil
    _ = tree.add(unrecorded)
    #expect(!tree.isReplaced(path, here))
    tree.recorded([FetchKey(path: path, dot: newer.dot)], at: 6)
    #expect(tree.isReplaced(path, here) && !tree.isReplaced(BytePath("other"), here))
    tree.remove(path, newer.dot)
    var deletion = PendingTree.Item(path: path, entry: FileEntry(version: newer, stored: nil), origins: [])
    deletion.record = 6
    _ = tree.add(deletion)
    #expect(!tree.isReplaced(path, here))
  }

  @Test func whatABatchWorksOnIsKnownWhenItIsSuperseded() {
    var tree = PendingTree()
    let old = version(1, 1)
    _ = tree.add(item(path, old))
    _ = tree.takeQueued(limit: 1, durable: 5) { _ in true }
    let superseded = tree.add(item(path, version(1, 2, after: old.vector)))
    #expect(superseded.map(\.isBeingApplied) == [true])
    #expect(tree.count == 1)
  }

  @Test func aStagedFileIsInUseAsLongAsAnyoneHoldsIt() {
    var tree = PendingTree()
    let fetched = item(path, version(1, 1), stagedName: "fetch-1")
    let copy = item(BytePath("copy"), version(1, 1), stagedName: "fetch-1")
    _ = tree.add(fetched)
    #expect(tree.isUnused("fetch-1", besides: fetched))
    _ = tree.add(copy)
    #expect(!tree.isUnused("fetch-1", besides: fetched))
    tree.remove(path, fetched.entry.version.dot)
    #expect(!tree.isUnused("fetch-1", besides: fetched))
    #expect(tree.isUnused("fetch-1", besides: copy))
    tree.update(copy.path, copy.entry.version.dot) { $0.stagedName = nil }
    #expect(tree.isUnused("fetch-1", besides: fetched))
  }
}
