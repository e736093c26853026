import SoftadastraCore
import SoftadastraSync
import Testing

@testable import SoftadastraReplica

/// What came as a difference to a version that is not here holds the cursor back until it comes whole.
@Suite struct AwaitedChangesTests {
  private func change(_ key: String, _ sequence: UInt64) -> Change {
    let version = Version(
      vector: VersionVector(), dot: Dot(replica: ReplicaID(rawValue: 1), counter: sequence),
      stamp: HybridTimestamp(milliseconds: 1), author: AuthorTag(rawValue: 1))
    return Change(sequence: sequence, key: Array(key.utf8), version: version, flags: [], value: [])
  }

  @Test func theyWaitUntilEachHasCome() {
    var awaited = AwaitedChanges()
    awaited.insert([(Array("a".utf8), 7), (Array("b".utf8), 9)])
    let unrelated = awaited.answered(by: [change("c", 10)], outstanding: [10])
    #expect(unrelated.isEmpty && !awaited.isEmpty)
    // It still has to be applied: its own sequence settles it.
    let first = awaited.answered(by: [change("a", 7)], outstanding: [7])
    #expect(first.isEmpty && !awaited.isEmpty)
    // A newer one came instead: what was announced will never be.
    let second = awaited.answered(by: [change("b", 12)], outstanding: [12])
    #expect(second == [9] && awaited.isEmpty)
  }

  @Test func whatWasHereAlreadyIsSettledAtOnce() {
    var awaited = AwaitedChanges()
    awaited.insert([(Array("a".utf8), 7)])
    let settled = awaited.answered(by: [change("a", 7)], outstanding: [])
    #expect(settled == [7] && awaited.isEmpty)
  }
}
