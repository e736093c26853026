import Testing

@testable import SoftadastraMirror

@Suite struct ScanWidthTests {
  /// Whatever the directories hold, what one step finds comes near to what is looked at together.
  @Test(arguments: [1, 10, 30, 100, 10_000], [false, true])
  func settlesWhereAStepFindsEnough(filesInADirectory: Int, isAlone: Bool) {
    var width = ScanWidth()
    let aim = isAlone ? ScanWidth.aimAlone : ScanWidth.aim
    for _ in 0..<20 { width.found(width.directories * filesInADirectory, isAlone: isAlone) }
    let found = width.directories * filesInADirectory
    let isAtBound = [ScanWidth.bounds.lowerBound, ScanWidth.bounds.upperBound].contains(width.directories)
    #expect(isAtBound || (aim / 4...aim).contains(found), "\(width.directories) directories")
  }

  @Test func whatChangesAllTheTimeDoesNotHoldItUp() {
    var width = ScanWidth()
    let due = (1...100).map { _ in width.isDue(waiting: 100_000, now: 1) }
    #expect(due.count { $0 } == 100 / (ScanWidth.maxPasses + 1))
    let isDue = width.isDue(waiting: 0, now: 1)
    #expect(isDue)
  }

  /// One large file, each look at which takes long.
  @Test func longPassesDoNotHoldItUp() {
    var width = ScanWidth()
    let due = (1...6).map { width.isDue(waiting: 1, now: UInt64($0) * (ScanWidth.maxHeldNanoseconds + 1)) }
    #expect(due == [false, true, false, true, false, true])
  }

  @Test func growsAgainWhereNothingIsNew() {
    var width = ScanWidth()
    for _ in 0..<20 { width.found(100_000, isAlone: false) }
    #expect(width.directories == ScanWidth.bounds.lowerBound)
    for _ in 0..<20 { width.found(0, isAlone: false) }
    #expect(width.directories == ScanWidth.bounds.upperBound)
  }
}
