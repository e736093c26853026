public import SoftadastraCore
internal import Synchronization

extension WriteAheadLog {
  /// The payload of a record, also of one that is not written yet. Cost: one read of the disk.
  ///
  /// Fails with `.damaged` if the bytes are not that record's: by damage, or because a compaction moved it meanwhile;
  /// then look the position up again after `awaitMoves`.
  public func read(_ position: WALPosition) throws(SoftadastraError) -> [UInt8] {
    enum Source {
      case memory([UInt8])
      case segment(Segment)
    }
    let source = monitor.withLock { state -> Source? in
      for chunks in [state.queue, state.held] {
        for chunk in chunks {
          if let payload = chunk.payload(position) { return .memory(payload) }
        }
      }
      return state.segments.segment(of: position.sequence).map { .segment($0) }
    }
    switch source {
    case nil: throw SoftadastraError(.notFound, "read log", at: location, why: "no segment has \(position.sequence)")
    case .memory(let payload): return payload
    case .segment(let segment): return try read(position, in: segment)
    }
  }

  private func read(_ position: WALPosition, in segment: Segment) throws(SoftadastraError) -> [UInt8] {
    guard position.length <= UInt32(Self.maxPayloadBytes) else { throw damaged(position, segment) }
    let total = RecordHeader.byteCount + Int(position.length)
    let record = try segment.file.read(at: UInt64(position.offset), count: total)
    let payload = record.withUnsafeBytes { bytes -> [UInt8]? in
      guard bytes.count == total, let head = RecordHeader.parse(bytes, at: 0, mark: segment.header.mark),
        head.sequence == position.sequence, head.length == position.length
      else { return nil }
      return Array(bytes[RecordHeader.byteCount...])
    }
    guard let payload else { throw damaged(position, segment) }
    return payload
  }

  private func damaged(_ position: WALPosition, _ segment: Segment) -> SoftadastraError {
    SoftadastraError(
      .damaged, "read log", at: "\(location)/\(segment.name)",
      why: "record \(position.sequence) at offset \(position.offset) is not what was written",
      hint: "run a verification; check the disk", retryable: false)
  }

  /// Returns when no compaction is between moving records and telling of it.
  public func awaitMoves() { swapLock.withLock { _ in } }

  /// Reads all segments and checks every record up to what is synced now.
  public func verify() throws(SoftadastraError) -> WALReport {
    try sync()
    return try Self.verify(disk: disk)
  }
}

extension Array where Element == Segment {
  /// The one responsible for a sequence: the newest that starts at or below it.
  func segment(of sequence: UInt64) -> Segment? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle].first <= sequence { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? self[low - 1] : nil
  }
}
