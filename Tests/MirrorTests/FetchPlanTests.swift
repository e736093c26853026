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
    let taken = (1...3).map { plan.take(request: $0, from: peer) }
    let one = try #require(taken[0])
    let two = try #require(taken[1])
    #expect(taken[2] == nil)
    // Somebody else's answer is none.
    let other = NodeID(bytes: [UInt8](repeating: 2, count: 32))!
    #expect(plan.answered(1, by: other) == nil && plan.inFlight.count == 2)
    // Both answers are here; the first is still being written when the second is done.
    _ = plan.answered(1, by: peer)
    _ = plan.answered(2, by: peer)
    plan.completed(two)
    #expect(!plan.isComplete)
    // It turns out to be wrong: it is asked for again.
    plan.failed(one, excluding: peer)
    #expect(!plan.isComplete)
    let again = plan.take(request: 4, from: peer)
    #expect(again == one)
    _ = plan.answered(4, by: peer)
    plan.completed(one)
    #expect(plan.isComplete)
  }

  @Test func theBeginningOfAChunkThatIsHereIsNotAskedFor() throws {
    var plan = FetchPlan(manifest, present: [0, 1], prefixes: [2: 1000])
    let whole = UInt64(FetchPlan.maxRangeBytes)
    #expect(plan.bytesMissing == 2 * whole - 1000)
    let ranges = [plan.take(request: 1, from: peer), plan.take(request: 2, from: peer)].compactMap { $0 }
    let tail = try #require(ranges.first { $0.firstChunk == 2 })
    #expect(tail.offset == 2 * whole + 1000)
    #expect(UInt64(tail.length) == whole - 1000)
    for request: UInt64 in 1...2 { _ = plan.answered(request, by: peer) }
    for range in ranges where range.firstChunk == 3 { plan.completed(range) }
    // It was not the beginning: the chunk is asked for as a whole, of the same peer.
    plan.failedPrefix(tail)
    #expect(plan.bytesMissing == whole)
    #expect(plan.excluded.isEmpty)
    let next = plan.take(request: 3, from: peer)
    let again = try #require(next)
    #expect(again == FetchPlan.Range(offset: 2 * whole, firstChunk: 2, chunkCount: 1, length: Int(whole)))
    _ = plan.answered(3, by: peer)
    plan.completed(again)
    #expect(plan.isComplete)
  }
}
