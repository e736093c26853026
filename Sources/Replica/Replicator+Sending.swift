internal import SoftadastraCore
internal import SoftadastraStore
public import SoftadastraSync

/// What the engine wants, as it leaves for the peers.
extension Replicator {
  /// Carries out what the engine wants, in order.
  public func pump() {
    noteMarks()
    defer { marks.removeAll(keepingCapacity: true) }
    for output in engine.drain(now: time.monotonicNanoseconds(), reading: feed) {
      switch output {
      case .send(let batch):
        hooks.enqueue(batch.peer, .batch(batch, claim: batch.isLast ? claim(with: batch) : nil))
      case .acknowledge(let peer, let ack): hooks.enqueue(peer, .message(.acknowledge(ack)))
      case .takeOver(let peer, let space, let watermark): takeOver(watermark, of: peer, in: space)
      case .peerApplied(let peer, let space, let applied): peers[peer]?.applied[space] = applied
      }
    }
  }

  func noteMarks() {
    guard marks.isEmpty else { return }
    for space in spaces where !withheld.contains(space, in: store) {
      marks.updateValue(WithheldWatermarks.mark(of: space, in: store), forKey: space)
    }
  }

  /// Nothing where entries were on their way back when the feed was read.
  private func claim(with batch: SyncEngine.Batch) -> Claim {
    guard let mark = marks[batch.space] else {
      return Claim(watermark: Watermark(), mark: WithheldWatermarks.mark(of: batch.space, in: store))
    }
    return Claim(watermark: watermark(batch.space, ownCounter: batch.ownCounter), mark: mark)
  }

  /// The messages of a batch were handed over to the connection.
  ///
  /// - Parameter isWhole: false if not all of it was sent: the peer has not heard the end of the feed with it.
  public func left(_ batch: SyncEngine.Batch, isWhole: Bool) {
    engine.left(batch, isWhole: isWhole, now: time.monotonicNanoseconds())
    if !isWhole { pump() }
  }
}
