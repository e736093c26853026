import Testing

@testable import SoftadastraMirror

@Suite struct RecentContentTests {
  private func bytes(_ count: Int, _ value: UInt8 = 1) -> [UInt8] { [UInt8](repeating: value, count: count) }

  @Test func isTakenOnce() {
    let recent = RecentContent()
    recent.remember(bytes(3, 7), of: 5)
    #expect(recent.take(5) == bytes(3, 7))
    #expect(recent.take(5) == nil)
    #expect(recent.take(6) == nil)
  }

  @Test func theOldestStayWhenItIsFull() {
    let recent = RecentContent()
    let half = RecentContent.maxBytes / 2 - RecentContent.itemBytes
    recent.remember(bytes(half), of: 1)
    recent.remember(bytes(half), of: 2)
    recent.remember(bytes(1), of: 3)
    #expect(recent.take(3) == nil)
    #expect(recent.take(1)?.count == half)
    // Room again.
    recent.remember(bytes(1), of: 4)
    #expect(recent.take(4) != nil)
    #expect(recent.take(2) != nil)
  }

  @Test func whatWasOvertakenGivesItsRoom() {
    let recent = RecentContent()
    recent.remember(bytes(RecentContent.maxBytes - 2 * RecentContent.itemBytes - 10), of: 1)
    recent.remember(bytes(10), of: 100_000)
    // Far behind what is taken now: nobody will ask for it.
    #expect(recent.take(100_000) != nil)
    #expect(recent.take(1) == nil)
    recent.remember(bytes(RecentContent.maxBytes - RecentContent.itemBytes), of: 100_001)
    #expect(recent.take(100_001) != nil)
  }

  @Test func itSaysWhetherSomebodyTakesWhileThereIsNoRoom() throws {
    let recent = RecentContent()
    #expect(recent.takenWhileCrowded == nil)
    for sequence in 1...4 as ClosedRange<UInt64> {
      recent.remember(bytes(RecentContent.maxBytes / 4 - RecentContent.itemBytes), of: sequence)
    }
    let before = try #require(recent.takenWhileCrowded)
    #expect(recent.takenWhileCrowded == before)
    // Nothing was taken: it was not there.
    #expect(recent.take(9) == nil && recent.takenWhileCrowded == before)
    _ = recent.take(1)
    #expect(try #require(recent.takenWhileCrowded) > before)
    for sequence in 2...3 as ClosedRange<UInt64> { _ = recent.take(sequence) }
    #expect(recent.takenWhileCrowded == nil)
  }
}
