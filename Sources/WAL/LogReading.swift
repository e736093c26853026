internal import SoftadastraCore

/// A segment, or its beginning, that was not read at opening: a checkpoint stood for it.
struct UnreadPart {
  let header: SegmentHeader
  /// Where it was read from; nil if nowhere.
  let end: WALPosition?
}

/// One pass over the segments of a directory.
struct LogReading {
  let disk: any Disk
  private(set) var segments: [Segment] = []
  private(set) var free: [String] = []
  private var leftovers: [String] = []
  var report = WALReport()
  private(set) var next: UInt64 = 1
  private(set) var usedBytes: UInt64 = 0
  /// The last segment, if records may be appended to it.
  private(set) var active: (segment: Segment, end: Int, hasRubbish: Bool, hasEndMark: Bool)?
  /// Segments below this index were not read: a checkpoint stands for them.
  private(set) var readFrom = 0
  private var headless: Set<UInt64> = []

  init(disk: any Disk) throws(SoftadastraError) {
    self.disk = disk
    var covered: UInt64 = 0
    var found: [(UInt64, String)] = []
    for name in try disk.list() {
      if let first = SegmentName.first(name) {
        found.append((first, name))
      } else if name.hasSuffix(SegmentName.freeSuffix) {
        free.append(name)
      } else if name.hasSuffix(SegmentName.temporarySuffix) {
        leftovers.append(name)
      } else if name.hasSuffix(SegmentName.damagedSuffix) {
        report.setAside.append(name)
      }
    }
    report.setAside.sort()
    free.sort()
    for (first, name) in found.sorted(by: { $0.0 < $1.0 }) {
      if first <= covered {
        // A compaction had put these records into an earlier segment and was cut short before removing this one.
        leftovers.append(name)
        continue
      }
      let file = try disk.open(name, create: false)
      let header = try file.readSurviving(count: SegmentHeader.byteCount).bytes.withUnsafeBytes { SegmentHeader($0) }
      if let header, header.first == first {
        covered = max(covered, header.through)
        segments.append(Segment(name: name, header: header, file: file))
      } else {
        headless.insert(first)
        segments.append(
          Segment(name: name, header: SegmentHeader(incarnation: 0, first: max(first, 1)), file: file, isDamaged: true))
      }
    }
  }

  mutating func run(from: WALPosition?, replay: (WALRecord) throws(SoftadastraError) -> Void) throws(SoftadastraError) {
    let start = from.flatMap { from in segments.lastIndex { $0.first <= from.sequence } } ?? 0
    readFrom = start
    for segment in segments[..<start] { usedBytes += try segment.file.size() }
    var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 16)
    defer { buffer.deallocate() }
    if let first = segments.first, first.first > 1, start == 0 { missing(1...first.first - 1, before: first) }
    next = segments.isEmpty ? 1 : segments[start].first

    for index in start..<segments.count {
      let size = Int(clamping: try segments[index].file.size())
      if buffer.count < size {
        buffer.deallocate()
        buffer = .allocate(byteCount: size, alignment: 16)
      }
      let (count, isWhole) = try segments[index].file.readSurviving(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<size]))
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      if headless.contains(segments[index].first) { salvageHead(index, bytes) }

      let segment = segments[index]
      let limit = index + 1 < segments.count ? segments[index + 1].first : nil
      var position: (Int, UInt64)?
      if index == start, let from, from.sequence > segment.first { position = (Int(from.offset), from.sequence) }
      var scan = SegmentScan(
        name: segment.name, header: segment.header, limit: limit, start: position,
        // Nobody knows whether a compaction took records out of it.
        mayJump: segment.header.isCompacted || headless.contains(segment.first))
      try scan.run(bytes) { head, offset throws(SoftadastraError) in
        let payload = offset + RecordHeader.byteCount
        try replay(
          WALRecord(
            sequence: head.sequence, kind: head.kind,
            position: WALPosition(sequence: head.sequence, offset: UInt32(offset), length: head.length),
            payload: UnsafeRawBufferPointer(rebasing: bytes[payload..<payload + Int(head.length)])))
      }
      report.records += scan.report.records
      report.bytes += scan.report.bytes
      report.damage += scan.report.damage
      if !isWhole { report.damage.append(.badSpot(in: segment.name)) }
      report.tornTail = scan.report.tornTail
      usedBytes += scan.report.bytes + UInt64(position.map { $0.0 } ?? 0)
      next = max(next, scan.next)
      let isDamaged = segment.isDamaged || !isWhole || !scan.report.damage.isEmpty
      if isDamaged {
        segments[index] = Segment(name: segment.name, header: segment.header, file: segment.file, isDamaged: true)
      }
      if limit == nil, !isDamaged, !segment.header.isCompacted {
        active = (segment, scan.end, scan.hasRubbish, scan.hasEndMark)
      }
    }
    report.lastSequence = next - 1
  }

  /// A head that its checksum denies: the records tell which use of the file they belong to.
  private mutating func salvageHead(_ index: Int, _ bytes: UnsafeRawBufferPointer) {
    let segment = segments[index]
    report.damage.append(
      WALDamage(
        segment: segment.name, offset: 0, byteCount: UInt64(min(bytes.count, SegmentHeader.byteCount)), missing: nil))
    var at = SegmentHeader.byteCount
    while at + RecordHeader.byteCount <= bytes.count {
      // Records of an earlier use of a recycled file have lower sequences.
      if let head = RecordHeader.parse(bytes, at: at, mark: nil, from: segment.first) {
        let header = SegmentHeader(
          incarnation: UInt64(head.mark), first: segment.first, dataOffset: UInt32(at))
        segments[index] = Segment(name: segment.name, header: header, file: segment.file, isDamaged: true)
        return
      }
      at += 1
    }
  }

  /// What a checkpoint stood for.
  func unread(from: WALPosition?) -> [UnreadPart] {
    guard let from, !segments.isEmpty else { return [] }
    var parts = segments[..<readFrom].map { UnreadPart(header: $0.header, end: nil) }
    if from.sequence > segments[readFrom].first {
      parts.append(UnreadPart(header: segments[readFrom].header, end: from))
    }
    return parts
  }

  private mutating func missing(_ range: ClosedRange<UInt64>, before segment: Segment) {
    report.damage.append(WALDamage(segment: segment.name, offset: 0, byteCount: 0, missing: range))
  }

  /// Only for the process that holds the lock.
  mutating func removeLeftovers(keeping count: Int) throws(SoftadastraError) {
    let surplus = free.dropFirst(count)
    free = Array(free.prefix(count))
    for name in leftovers + surplus { try disk.remove(name) }
    leftovers = []
  }
}
