import SoftadastraCore
import Testing

@testable import SoftadastraMirror

@Suite struct FetchPlanTests {
  private let peer = NodeID(bytes: [UInt8](repeating: 1, count: 32))!
  private var manifest: Manifest {
    Manifest(
      sizeClass: 0,
      chunks: (0..<4).map {
        Manifest.Chunk(hash: ContentHash(high: 0, low: UInt64($0)), length: UInt32(FetchPlan.maxRangeBytes))
      })
  }

  @Test func isCompleteOnlyWhenAllIsWritten() throws {
    var plan = FetchPlan(manifest, present: [0, 2])
    let one = try #require(plan.take(request: 1, from: peer))
    let two = try #require(plan.take(request: 2, from: peer))
    #expect(plan.take(request: 3, from: peer) == nil)
    // Both answers are here; the first is still being written when the second is done.
    _ = plan.answered(1)
    _ = plan.answered(2)
    plan.completed(two)
    #expect(!plan.isComplete)
    // It turns out to be wrong: it is asked for again.
    plan.failed(one, excluding: peer)
    #expect(!plan.isComplete)
    let again = try #require(plan.take(request: 3, from: peer))
    #expect(again == one)
    _ = plan.answered(3)
    plan.completed(again)
    #expect(plan.isComplete)
  }
}
