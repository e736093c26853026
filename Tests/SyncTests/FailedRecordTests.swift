import SoftadastraCore
import SoftadastraSync
import Testing

/// What was received and could not be recorded, because the log had no room, must come once more.
@Suite struct FailedRecordTests {
  private let peer = NodeID(bytes: [UInt8](repeating: 9, count: NodeID.byteCount))!

  private func batch(after: UInt64, through: UInt64) -> SyncMessage.Changes {
    SyncMessage.Changes(space: .values, after: after, through: through, watermark: nil, items: [])
  }

  @Test func theSameBatchIsTakenAgain() {
    var engine = SyncEngine()
    engine.connect(peer, replica: ReplicaID(rawValue: 1))
    engine.subscribe(to: peer, .values, known: 5, applied: 5, hasOlderPending: false)
    let isFirstTaken = engine.received(peer, batch(after: 5, through: 9))
    #expect(isFirstTaken)
    // The sender rewinds to what is known, 5; until that is said, it is a repetition.
    let isRepetitionTaken = engine.received(peer, batch(after: 5, through: 9))
    #expect(!isRepetitionTaken)
    engine.notStored(peer, .values)
    let isTakenAgain = engine.received(peer, batch(after: 5, through: 9))
    #expect(isTakenAgain)
    engine.stored(peer, .values, through: 9, outstanding: [], watermark: nil)
    #expect(engine.incomingKnown(peer, .values) == 9)
  }
}
