/// Neighbouring segments on their way into one.
///
/// Beside the segment that is being read it holds what stays of the run, and nothing else that grows with them.
struct CompactionRun {
  /// What stays of one segment: stretches of its file.
  struct Part {
    let segment: Segment
    let through: UInt64
    private(set) var stretches: [Range<Int>] = []
    private(set) var count = 0

    init(segment: Segment, through: UInt64) {
      self.segment = segment
      self.through = through
    }

    /// Records come in order.
    mutating func keep(_ record: Range<Int>) {
      count += record.count
      if let last = stretches.last, last.upperBound == record.lowerBound {
        stretches[stretches.count - 1] = last.lowerBound..<record.upperBound
      } else {
        stretches.append(record)
      }
    }
  }

  private(set) var segments: [Segment] = []
  private(set) var through: UInt64 = 0
  private(set) var dropped = 0
  private(set) var bytes: [UInt8] = []
  private let capacity: Int

  /// - Parameter capacity: in bytes, for which there is room without a copy; memory is used as it fills.
  init(capacity: Int) { self.capacity = capacity }

  var count: Int { bytes.count }

  /// - Parameter source: the part's file.
  mutating func append(_ part: Part, of source: UnsafeRawBufferPointer, dropped: Int) {
    segments.append(part.segment)
    through = part.through
    self.dropped += dropped
    if part.count > 0 { bytes.reserveCapacity(max(capacity, bytes.count + part.count)) }
    for stretch in part.stretches { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[stretch])) }
  }

  /// Seals every record for the file that begins with this header; returns where they will lie in it.
  mutating func seal(for header: SegmentHeader) -> [WALPosition] {
    var positions: [WALPosition] = []
    bytes.withUnsafeMutableBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let head = RecordHeader(ofSound: UnsafeRawBufferPointer(bytes), at: offset)
        // The batch is complete: its survivors stand alone from now on.
        bytes[offset + RecordHeader.flagsOffset] = head.flags & ~RecordHeader.continuesFlag
        RecordHeader.seal(bytes.baseAddress! + offset, total: head.total, mark: header.mark, group: head.group)
        positions.append(
          WALPosition(
            sequence: head.sequence, offset: UInt32(offset + SegmentHeader.byteCount), length: head.length))
        offset += head.total
      }
    }
    return positions
  }
}
