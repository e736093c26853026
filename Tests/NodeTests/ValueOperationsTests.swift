import SoftadastraCore
import SoftadastraStore
import SoftadastraSync
import TestSupport
import Testing

@testable import SoftadastraNode

@Suite struct ValueOperationsTests {
  /// Peers take the highest counter for the end of what was written: whatever is written at the same time, counters follow
  /// the order of the log.
  @Test func countersFollowTheLog() async throws {
    let store = try Store.open(
      disk: MemoryDisk(), options: StoreOptions(isMaintainedAutomatically: false), time: SystemTime(),
      random: SeededSource(seed: 1))
    let values = ValueOperations(store: store, author: AuthorTag(rawValue: 1))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for number in 0..<1000 {
            let key = Array("\(writer) \(number)".utf8)
            _ = try await values.put(key, [], ifVersion: nil)
            if number.isMultiple(of: 5) { try await values.remove(key) }
          }
        }
      }
      try await group.waitForAll()
    }
    let page = store.changes(prefix: SpaceID.values.prefix, since: 0, limit: .max)
    let counters = page.entries.compactMap { $0.summary.dot?.counter }
    #expect(counters.count == 8000)
    #expect(counters == counters.sorted())
    store.closeBlocking()
  }
}
