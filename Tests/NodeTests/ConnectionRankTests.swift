import SoftadastraCore
import Testing

@testable import SoftadastraNode
@testable import SoftadastraTransport

@Suite struct ConnectionRankTests {
  private let low = NodeID(bytes: [UInt8](repeating: 1, count: NodeID.byteCount))!
  private let high = NodeID(bytes: [UInt8](repeating: 2, count: NodeID.byteCount))!

  /// Connections in the order in which they were made, by who dialled; each side numbers its own.
  @Test(arguments: [
    ["low"], ["high", "high"], ["low", "low"], ["low", "high"], ["high", "low"], ["low", "high", "low", "high"],
  ])
  func bothSidesUseTheSame(diallers: [String]) {
    func used(here: NodeID, peer: NodeID, firstID: UInt64) -> Int? {
      let ranks = diallers.enumerated().map { index, dialler in
        let isInbound = (dialler == "low" ? low : high) == peer
        return ConnectionRank(
          ConnectionID(rawValue: firstID + UInt64(index)), isInbound: isInbound, peer: peer, here: here)
      }
      return ranks.indices.max { ranks[$0] < ranks[$1] }
    }
    let expected = diallers.lastIndex(of: "low") ?? diallers.count - 1
    #expect(used(here: low, peer: high, firstID: 1) == expected)
    #expect(used(here: high, peer: low, firstID: 70) == expected)
  }
}
