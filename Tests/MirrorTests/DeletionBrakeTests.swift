import SoftadastraCore
import Testing

@testable import SoftadastraMirror

@Suite struct DeletionBrakeTests {
  private func path(_ text: String) -> BytePath { BytePath(text) }

  @Test(arguments: [
    (0, 1000, false), (50, 100, false), (100, 100, false), (51, 101, true), (50, 101, false), (500, 1000, false),
    (501, 1000, true),
  ])
  func moreThanHalfOfOverAHundred(_ gone: Int, _ total: Int, _ engages: Bool) {
    #expect(DeletionBrake.engages(gone: gone, of: total) == engages)
  }

  @Test func onlyTheFirstScanCollects() {
    var brake = DeletionBrake()
    var admitted = [brake.admits(path("before"))]
    brake.scanBegins(isNothingSynced: false)
    admitted += ["a", "b"].map { brake.admits(path($0)) }
    #expect(admitted == [true, false, false])
    // Back before the scan was over.
    brake.saw(path("b"), fingerprint: nil, isNew: false)
    let collected = brake.release()
    #expect(collected == [path("a")])
    brake.scanBegins(isNothingSynced: false)
    let isAdmitted = brake.admits(path("after"))
    #expect(isAdmitted)
  }

  @Test func whereNothingIsSyncedNothingCanBeMissing() {
    var brake = DeletionBrake()
    brake.scanBegins(isNothingSynced: true)
    let isAdmitted = brake.admits(path("made and deleted meanwhile"))
    #expect(isAdmitted && !brake.isScanning)
  }

  @Test func whatIsHeldIsHeldWithAllBelow() {
    var brake = DeletionBrake()
    brake.scanBegins(isNothingSynced: false)
    _ = brake.admits(path("d"))
    brake.hold([path("d")], gone: 2, of: 150)
    #expect(brake.holds(path("d")) && brake.holds(path("d/e/f")) && !brake.holds(path("dd")) && !brake.holds(.root))
    let admitted = ["d/e", "elsewhere"].map { brake.admits(path($0)) }
    #expect(admitted == [false, true])
  }

  @Test func whatComesBackIsCounted() {
    var brake = DeletionBrake()
    brake.hold([path("d")], gone: 2, of: 150)
    brake.saw(path("d/1"), fingerprint: nil, isNew: false)
    brake.saw(path("d/1"), fingerprint: nil, isNew: false)
    brake.saw(path("elsewhere"), fingerprint: nil, isNew: false)
    #expect(!brake.isWorthCounting)
    brake.saw(path("d/2"), fingerprint: nil, isNew: false)
    #expect(brake.isWorthCounting)
    brake.counted(gone: 1)
    #expect(brake.held?.gone == 1 && !brake.isWorthCounting)
    brake.listed(path("elsewhere"))
    #expect(!brake.isWorthCounting)
    brake.listed(.root)
    #expect(brake.isWorthCounting)
    brake.counted(gone: 1)
    brake.listed(path("d/e"))
    #expect(brake.isWorthCounting)
    brake.counted(gone: 0)
    #expect(brake.held == nil)
  }
}
