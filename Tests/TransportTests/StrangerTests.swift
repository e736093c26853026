import NIOCore
import SoftadastraCore
import Testing

@testable import SoftadastraTransport

/// Who has proven a key and nothing else may say little.
@Suite struct StrangerTests {
  private func strict() throws -> TestNode {
    var options = TransportOptions()
    options.admitsEveryone = false
    options.maxUnauthenticatedPerSource = 2
    return try TestNode(options)
  }

  private func pair() async throws -> (stranger: TestNode, ConnectionID, node: TestNode, ConnectionID) {
    let (stranger, node) = (try TestNode(), try strict())
    stranger.transport.dial(try await node.listen())
    return (stranger, try await stranger.connected().0, node, try await node.connected().0)
  }

  @Test func itsLargeFramesAreRefusedAndAMembersAreTaken() async throws {
    for (isAdmitted, isCompressible) in [(false, false), (false, true), (true, false), (true, true)] {
      let (stranger, out, node, inward) = try await pair()
      try await stranger.transport.send([Frame(kind: 1, payload: ByteBuffer(repeating: 7, count: 60_000))], to: out)
      _ = try await node.frames(1)
      if isAdmitted {
        node.transport.admit(inward)
        try await Task.sleep(for: .milliseconds(50))
      }
      let large = Frame(
        kind: 1, payload: ByteBuffer(repeating: 7, count: 1 << 20), isCompressible: isCompressible)
      try await stranger.transport.send([large], to: out)
      if isAdmitted {
        #expect(try await node.frames(2)[1].payload.readableBytes == 1 << 20)
      } else {
        let error = try #require(try await node.disconnected())
        #expect(error.code == .damaged && error.why.contains("above the limit of 65536"))
        #expect(node.log.now.frames.count == 1)
      }
      await stranger.transport.shutdown()
      await node.transport.shutdown()
    }
  }

  @Test func strangersKeepTakingTheirPlacesUntilTheyAreAdmitted() async throws {
    let node = try strict()
    let address = try await node.listen()
    let others = try (0..<4).map { _ in try TestNode() }
    for other in others[..<2] { other.transport.dial(address) }
    for other in others[..<2] { _ = try await other.connected() }
    others[2].transport.dial(address)
    _ = try await others[2].dialFailure()
    node.transport.admit(try await node.connected().0)
    try await Task.sleep(for: .milliseconds(50))
    others[3].transport.dial(address)
    _ = try await others[3].connected()
    for other in others + [node] { await other.transport.shutdown() }
  }
}
