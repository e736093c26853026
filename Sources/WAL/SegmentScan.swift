internal import SoftadastraCore

/// Reads the records of one segment from memory, telling a torn tail from damage.
struct SegmentScan {
  let name: String
  let header: SegmentHeader
  /// The next segment's first sequence; nil for the last segment.
  let limit: UInt64?
  /// Records follow each other without all that were between them.
  private let mayJump: Bool

  private(set) var report = WALReport()
  /// Behind the last record that counts.
  private(set) var end: Int
  /// The sequence that should come next.
  private(set) var next: UInt64
  /// Something else than zeros lies behind `end`, and behind the end mark if there is one.
  private(set) var hasRubbish = false
  /// The log was closed: the end mark lies at `end`.
  private(set) var hasEndMark = false
  /// Heads of a batch whose last record has not been seen.
  private var open: [(offset: Int, head: RecordHeader)] = []
  private var newestGroup: UInt64?

  /// - Parameter start: where and with which sequence to begin; by default with the segment's first record.
  init(
    name: String, header: SegmentHeader, limit: UInt64?, start: (offset: Int, sequence: UInt64)? = nil,
    mayJump: Bool? = nil
  ) {
    self.name = name
    self.header = header
    self.limit = limit
    self.mayJump = mayJump ?? header.isCompacted
    end = start?.offset ?? Int(header.dataOffset)
    next = start?.sequence ?? header.first
  }

  /// Calls back for each record of each complete batch, in order.
  mutating func run(
    _ bytes: UnsafeRawBufferPointer, _ deliver: (RecordHeader, Int) throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) {
    var at = end
    while true {
      if let head = accepted(bytes, at), head.sequence == next || mayJump {
        if head.isEndMark, limit == nil {
          try flush(at, deliver)
          hasEndMark = true
          hasRubbish = usedEnd(bytes, from: at + head.total) > at + head.total
          return
        }
        open.append((at, head))
        at += head.total
        next = head.sequence + 1
        if !head.continues { try flush(at, deliver) }
        continue
      }
      let following = find(bytes, from: at)
      if let following, limit != nil || isLaterGroup(bytes, from: following.offset) {
        // Something behind proves that these bytes had been durable.
        try flush(at, deliver)
        damaged(at, following.offset, missingTo: following.head.sequence - 1)
        at = following.offset
        next = following.head.sequence
        continue
      }
      try finish(bytes, at, deliver)
      return
    }
  }

  private mutating func finish(
    _ bytes: UnsafeRawBufferPointer, _ at: Int, _ deliver: (RecordHeader, Int) throws(SoftadastraError) -> Void
  ) throws(SoftadastraError) {
    let used = usedEnd(bytes, from: at)
    if let limit {
      try flush(at, deliver)
      let expected = header.isCompacted ? header.through + 1 : limit
      if header.isCompacted ? at < bytes.count : next < expected {
        damaged(at, used, missingTo: expected - 1)
      } else if header.isCompacted, expected < limit {
        next = expected
        damaged(at, at, missingTo: limit - 1)
      }
      next = limit
      return
    }
    if header.isCompacted {
      try flush(at, deliver)
      if at < bytes.count { damaged(at, used, missingTo: header.through) }
      next = max(next, header.through + 1)
      return
    }
    // A batch without its last record was never acknowledged either: cut where it starts.
    let cut = open.first?.offset ?? at
    if let first = open.first { next = first.head.sequence }
    open = []
    end = cut
    hasRubbish = used > cut
    let ours = cut < at || looksOurs(bytes, at)
    if hasRubbish, ours || !header.isRecycled {
      report.tornTail = WALTornTail(segment: name, offset: UInt64(cut), byteCount: UInt64(used - cut))
    }
  }

  private mutating func flush(_ at: Int, _ deliver: (RecordHeader, Int) throws(SoftadastraError) -> Void)
    throws(SoftadastraError)
  {
    for (offset, head) in open {
      report.records += 1
      report.bytes += UInt64(head.total)
      report.lastSequence = head.sequence
      try deliver(head, offset)
    }
    open.removeAll(keepingCapacity: true)
    end = at
  }

  private mutating func damaged(_ from: Int, _ to: Int, missingTo last: UInt64) {
    report.damage.append(
      WALDamage(
        segment: name, offset: UInt64(from), byteCount: UInt64(max(0, to - from)),
        missing: !header.isCompacted && next <= last ? next...last : nil))
  }

  private func accepted(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> RecordHeader? {
    guard let head = RecordHeader.parse(bytes, at: at, mark: header.mark), head.sequence >= next,
      head.sequence < limit ?? .max
    else { return nil }
    return head
  }

  private func find(_ bytes: UnsafeRawBufferPointer, from: Int) -> (offset: Int, head: RecordHeader)? {
    var at = from
    let last = bytes.count - RecordHeader.byteCount
    let mark = header.mark
    while at <= last {
      if bytes.loadLittle(UInt32.self, at: at + 12) == mark, let head = accepted(bytes, at) { return (at, head) }
      at += 1
    }
    return nil
  }

  /// True if some record from `offset` on belongs to a group that began after the hole.
  private mutating func isLaterGroup(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Bool {
    if newestGroup == nil {
      var newest: UInt64 = 0
      var at = offset
      while let (found, head) = find(bytes, from: at) {
        newest = max(newest, head.group)
        at = found + head.total
      }
      newestGroup = newest
    }
    return newestGroup! > next
  }

  private func looksOurs(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
    find(bytes, from: at) != nil
      || (bytes.count - at >= 16 && bytes.loadLittle(UInt32.self, at: at + 12) == header.mark)
  }

  /// Behind the last byte that is not zero.
  private func usedEnd(_ bytes: UnsafeRawBufferPointer, from: Int) -> Int {
    var end = bytes.count
    while end - 8 >= from, bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0 { end -= 8 }
    while end > from, bytes[end - 1] == 0 { end -= 1 }
    return end
  }
}
