public import SoftadastraCore
internal import Synchronization

/// A damaged log made sound again: what can be read of a damaged segment goes into a new one.
extension WriteAheadLog {
  /// Rewrites the damaged segments, keeping a copy of each as it was, `NAME.damaged`.
  ///
  /// Call it when everything that depends on the missing records was told: afterwards nothing in the log says that they
  /// are missing. Runs while the log is in use; may be cut short at any moment, and is done again then. Blocks.
  ///
  /// - Parameter moved: called with the surviving records' new positions, right after they take effect.
  /// - Returns: the names of the copies.
  @discardableResult
  public func mend(moved: ([WALPosition]) -> Void) throws(SoftadastraError) -> [String] {
    let result: Result<[String], SoftadastraError> = compactionLock.withLock { _ in
      do throws(SoftadastraError) { return .success(try mendSegments(moved)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func mendSegments(_ moved: ([WALPosition]) -> Void) throws(SoftadastraError) -> [String] {
    let all = monitor.withLock { $0.segments }
    var copies: [String] = []
    if let first = all.first, first.first > 1 { try fillGap(before: first) }
    for (index, segment) in all.dropLast().enumerated() where segment.isDamaged {
      let bytes = try segment.file.readSurviving(count: Int(clamping: try segment.file.size())).bytes
      copies.append(try keepCopy(bytes, of: segment))
      var survivors = CompactionRun.Part(segment: segment, through: all[index + 1].first - 1)
      var scan = SegmentScan(name: segment.name, header: segment.header, limit: all[index + 1].first)
      try bytes.withUnsafeBytes { bytes -> Result<Void, SoftadastraError> in
        do throws(SoftadastraError) {
          try scan.run(bytes) { head, offset throws(SoftadastraError) in
            survivors.keep(offset..<offset + head.total)
          }
          return .success(())
        } catch { return .failure(error) }
      }.get()
      var run = CompactionRun(capacity: survivors.count)
      bytes.withUnsafeBytes { run.append(survivors, of: $0, dropped: 0) }
      _ = try install(&run, evenIfUnchanged: true, moved)
    }
    return copies
  }

  /// Durable when it returns; under a free name.
  private func keepCopy(_ bytes: [UInt8], of segment: Segment) throws(SoftadastraError) -> String {
    let taken = Set(try disk.list())
    var name = segment.name + SegmentName.damagedSuffix
    var number = 2
    while taken.contains(name) {
      name = "\(segment.name).\(number)\(SegmentName.damagedSuffix)"
      number += 1
    }
    let temporary = SegmentName.temporary(random.next())
    do throws(SoftadastraError) {
      let file = try disk.open(temporary, create: true)
      try file.write(at: 0, bytes)
      try file.sync()
      try disk.rename(temporary, to: name)
      try disk.syncDirectory()
    } catch {
      try? disk.remove(temporary)
      throw error
    }
    return name
  }

  /// The log's first segments are gone: an empty one takes their place.
  private func fillGap(before first: Segment) throws(SoftadastraError) {
    let header = SegmentHeader(incarnation: random.next(), first: 1, through: first.first - 1, isCompacted: true)
    let filling = try createSegment(header, reusing: nil)
    monitor.withLock { $0.segments.insert(filling, at: 0) }
  }

  /// Reads what was not read at opening, because a checkpoint stood for it. Blocks; the log is in use meanwhile.
  public func verifyUnread() throws(SoftadastraError) -> [WALDamage] {
    var damage: [WALDamage] = []
    for part in unread {
      // Between two segments a compaction may go on.
      let result: Result<[WALDamage], SoftadastraError> = compactionLock.withLock { _ in
        do throws(SoftadastraError) { return .success(try verify(part)) } catch { return .failure(error) }
      }
      damage += try result.get()
    }
    return damage
  }

  private func verify(_ part: UnreadPart) throws(SoftadastraError) -> [WALDamage] {
    let all = monitor.withLock { $0.segments }
    // Gone, or no longer what was passed over: a compaction has read it since.
    guard let index = all.firstIndex(where: { $0.header == part.header }),
      let limit = part.end?.sequence ?? (index + 1 < all.count ? all[index + 1].first : nil)
    else { return [] }
    let segment = all[index]
    if segment.isDamaged { return [WALDamage(segment: segment.name, offset: 0, byteCount: 0, missing: nil)] }
    let count = if let end = part.end { Int(end.offset) } else { Int(clamping: try segment.file.size()) }
    let (bytes, isWhole) = try segment.file.readSurviving(count: count)
    guard isWhole else { return [.badSpot(in: segment.name)] }
    guard bytes.withUnsafeBytes({ SegmentHeader($0) }) == segment.header else {
      return [
        WALDamage(segment: segment.name, offset: 0, byteCount: UInt64(SegmentHeader.byteCount), missing: nil)
      ]
    }
    var scan = SegmentScan(name: segment.name, header: segment.header, limit: limit)
    try bytes.withUnsafeBytes { bytes -> Result<Void, SoftadastraError> in
      do throws(SoftadastraError) {
        try scan.run(bytes) { _, _ throws(SoftadastraError) in }
        return .success(())
      } catch { return .failure(error) }
    }.get()
    return scan.report.damage
  }
}
