import SoftadastraCore
import SoftadastraReplica
import SoftadastraStore
import SoftadastraSync
import Synchronization
import TestSupport
import Testing

/// Small changes that have large values written anew.
@Suite struct LargeConflictTests {
  private static let count = 40

  @Test func theyAreRecordedInBoundedCommits() async throws {
    let group = ValueGroup(2, seed: 1, patienceMilliseconds: 1000)
    let (theirs, ours) = (group.nodes[0], group.nodes[1])
    // The later ones win: ours stay, and are renewed or joined.
    for node in [theirs, ours] {
      for number in 0..<Self.count {
        let version = node.store.newVersion(basedOn: VersionVector(), author: node.id.tag)
        let value = [UInt8](repeating: UInt8(number), count: node === ours ? 1 << 20 : 1)
        try node.store.commit([.put(key: StoreKey.value([UInt8(number)]), value: value, version: version)])
      }
      group.time.advance(milliseconds: 1000)
    }
    let changes = try (0..<Self.count).map { number in
      let entry = try #require(try theirs.store.get(StoreKey.value([UInt8(number)])))
      return Change(
        sequence: entry.sequence, key: [UInt8(number)], version: try #require(entry.version), flags: [],
        value: entry.value)
    }
    let commits = Mutex(0)
    ours.store.onChange { _ in commits.withLock { $0 += 1 } }
    let cursor = Mutation.put(key: StoreKey.setting("cursor of the test"), value: [1], version: nil)
    try await ours.replicator.apply(changes, in: .values, cursor: cursor)
    #expect(commits.withLock { $0 } == 3)
    #expect(try ours.store.get(StoreKey.setting("cursor of the test")) != nil)
    for change in changes {
      let entry = try #require(try ours.store.get(StoreKey.value(change.key)))
      #expect(entry.value.count == 1 << 20 && entry.version?.covers(change.version) == true)
      #expect(try ours.store.get(StoreKey.lost(change.key, change.version.dot))?.value == change.value)
    }
  }
}
