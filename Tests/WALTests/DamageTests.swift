import SoftadastraCore
import SoftadastraWAL
import TestSupport
import Testing

/// Bytes that change after they were durable: named, survived, and gone from the log when it is mended.
@Suite struct DamageTests {
  let segment = "0000000000000001.wal"

  /// A closed log of four groups, and where each begins; the last number is the end.
  private func fourGroups() throws -> (bytes: [UInt8], starts: [Int]) {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    var starts: [Int] = []
    for number in 1..<5 {
      starts.append(Int(log.tail.offset))
      try put(log, number..<number + 1)
    }
    starts.append(Int(log.tail.offset))
    log.closeBlocking()
    return (try #require(disk.bytes(segment)), starts)
  }

  @Test func everyFlippedByteOfAClosedLogIsNamed() throws {
    let (whole, starts) = try fourGroups()
    for at in 0..<starts[4] {
      let spoilt = MemoryDisk()
      var bytes = whole
      bytes[at] ^= 0x40
      spoilt.replace(segment, bytes)
      let (log, seen) = try openLog(spoilt)
      let damage = try #require(log.damage.first, "byte \(at)")
      #expect(damage.segment == segment)
      if at < 56 {
        #expect(damage.offset == 0)
        #expect(seen.count == 4)
      } else {
        let index = try #require(starts.dropLast().lastIndex { $0 <= at })
        #expect(damage.offset == UInt64(starts[index]) && damage.byteCount == 76)
        #expect(damage.missing == UInt64(index + 1)...UInt64(index + 1))
        #expect(seen.count == 3)
      }
      #expect(log.lastSequence == 4)
      try put(log, 5..<6)
      log.closeBlocking()
      // It stays reported, and what was written since is there.
      #expect(try WriteAheadLog.verify(disk: spoilt).damage.count == 1)
      #expect(try WriteAheadLog.verify(disk: spoilt).lastSequence == 5)
    }
  }

  /// The mark only proves; without it nothing is missing.
  @Test func aFlippedEndMarkLosesNothing() throws {
    let (whole, starts) = try fourGroups()
    for at in starts[4]..<starts[4] + 36 {
      let spoilt = MemoryDisk()
      var bytes = whole
      bytes[at] ^= 1
      spoilt.replace(segment, bytes)
      let (log, seen) = try openLog(spoilt)
      #expect(seen.count == 4 && log.damage.isEmpty)
      let tail = try #require(log.tornTail)
      #expect(tail.segment == segment && tail.offset == UInt64(starts[4]))
      log.closeBlocking()
    }
  }

  /// While the log is open, or after a crash, nothing tells a flipped byte in the last group from a torn write.
  @Test func withoutTheMarkTheLastGroupIsATornTail() throws {
    let (whole, starts) = try fourGroups()
    let spoilt = MemoryDisk()
    var bytes = whole
    bytes[starts[3] + 50] ^= 1
    for at in starts[4]..<starts[4] + 36 { bytes[at] = 0 }
    spoilt.replace(segment, bytes)
    let report = try WriteAheadLog.verify(disk: spoilt)
    #expect(report.damage.isEmpty && report.records == 3)
    #expect(report.tornTail?.offset == UInt64(starts[3]))
  }

  @Test func mendingKeepsWhatIsReadable() throws {
    let (whole, starts) = try fourGroups()
    for at in stride(from: 0, to: starts[4], by: 3) {
      let disk = MemoryDisk()
      var bytes = whole
      bytes[at] ^= 0x40
      disk.replace(segment, bytes)
      var (log, seen) = try openLog(disk)
      let before = seen
      try put(log, 5..<6)
      var positions: [UInt64: WALPosition] = [:]
      let copies = try log.mend { for position in $0 { positions[position.sequence] = position } }
      #expect(copies == [segment + ".damaged"] && disk.bytes(copies[0]) == bytes)
      #expect(positions.count == before.count)
      for record in before {
        #expect(try log.read(#require(positions[record.sequence])) == record.bytes, "byte \(at)")
      }
      try put(log, 6..<7)
      log.closeBlocking()
      let report = try WriteAheadLog.verify(disk: disk)
      #expect(report.damage.isEmpty && report.lastSequence == 6 && report.setAside == copies, "byte \(at)")
      (log, seen) = try openLog(disk)
      #expect(seen.count == before.count + 2 && Array(seen.prefix(before.count)) == before)
      #expect(log.damage.isEmpty)
      log.closeBlocking()
    }
  }

  @Test func mendingAnInterruptedTime() throws {
    let (whole, starts) = try fourGroups()
    var bytes = whole
    bytes[starts[1] + 40] ^= 0x40
    for death in 1..<40 {
      let disk = MemoryDisk()
      disk.replace(segment, bytes)
      let (log, _) = try openLog(disk)
      disk.die(afterCalls: death)
      let isDone = (try? log.mend { _ in }) != nil
      log.closeBlocking()
      let next = disk.crash(seed: UInt64(death))
      let (again, seen) = try openLog(next, seed: 9)
      #expect(seen.map(\.sequence) == [1, 3, 4], "death \(death)")
      #expect(!isDone || again.damage.isEmpty)
      try again.mend { _ in }
      again.closeBlocking()
      #expect(try WriteAheadLog.verify(disk: next).damage.isEmpty)
    }
  }

  @Test func missingSegmentsAreMended() throws {
    for victim in 0..<3 {
      let disk = MemoryDisk()
      let (log, _) = try openLog(disk, small(segment: 4096))
      for number in 1..<200 { try put(log, number..<number + 1) }
      let segments = log.segments
      log.closeBlocking()
      let digits = String(segments[victim].first, radix: 16)
      try disk.remove(String(repeating: "0", count: 16 - digits.count) + digits + ".wal")
      let (again, seen) = try openLog(disk, small(segment: 4096))
      #expect(again.damage.count == 1)
      try again.mend { _ in }
      again.closeBlocking()
      #expect(try WriteAheadLog.verify(disk: disk).damage.isEmpty)
      let (last, rest) = try openLog(disk, small(segment: 4096))
      #expect(rest == seen && last.damage.isEmpty)
      last.closeBlocking()
    }
  }

  @Test func aCompactedSegmentWithoutItsHeadIsDamagedOnce() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try put(log, 1..<201)
    try log.roll()
    _ = try log.compact(isLive: { record, _ in record.sequence % 2 == 0 }, moved: { _ in })
    log.closeBlocking()
    var bytes = try #require(disk.bytes(segment))
    bytes[3] ^= 1
    disk.replace(segment, bytes)
    let (again, seen) = try openLog(disk, seed: 2)
    #expect(seen.map(\.sequence) == (1...100).map { $0 * 2 })
    #expect(again.damage.count == 1)
  }

  @Test func whatCannotBeAHeadIsNotRead() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 8 << 20))
    // Every four bytes look like a record's length.
    try log.waitBlocking(for: log.enqueue([(1, [UInt8](repeating: 1, count: 4 << 20))]))
    try put(log, 2..<4)
    log.closeBlocking()
    var bytes = try #require(disk.bytes(segment))
    for at in 0..<512 { bytes[at] = 1 }
    disk.replace(segment, bytes)
    let clock = SystemTime()
    let start = clock.monotonicNanoseconds()
    let (_, seen) = try openLog(disk, seed: 2)
    #expect(seen.map(\.sequence) == [2, 3])
    #expect(clock.monotonicNanoseconds() - start < 20_000_000_000)
  }

  /// Also where it holds the head, and where behind it lies what looks like the end of the log.
  @Test(arguments: [0, 1, 5, 7]) func whatTheDiskDoesNotGiveIsDamage(piece: Int) throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 64 << 10))
    for number in 1..<61 { try put(log, number..<number + 1, count: 500) }
    log.closeBlocking()
    disk.spoil(segment, piece * 4096 + 100..<piece * 4096 + 200)
    let (damaged, seen) = try openLog(disk, small(segment: 64 << 10), seed: 2)
    #expect(!damaged.damage.isEmpty && seen.count >= 50)
    #expect(try damaged.mend { _ in } == [segment + ".damaged"])
    try put(damaged, 61..<62)
    damaged.closeBlocking()
    disk.clearSpots()
    let (sound, again) = try openLog(disk, small(segment: 64 << 10), seed: 3)
    #expect(sound.damage.isEmpty && again.dropLast() == seen[...])
  }

  @Test func aDiskThatGivesNothingIsNotTakenForADamagedLog() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 8 << 20))
    try log.waitBlocking(for: log.enqueue([(1, payload(1, count: 4 << 20))]))
    log.closeBlocking()
    disk.spoil(segment, 0..<4 << 20)
    let error = #expect(throws: SoftadastraError.self) { try openLog(disk, seed: 2) }
    #expect(error?.code == .device)
    disk.clearSpots()
    let (sound, seen) = try openLog(disk, seed: 3)
    #expect(sound.damage.isEmpty && seen.count == 1)
  }

  @Test func aLastSegmentOfWhichNothingIsLeftIsDamageUntilItIsMended() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 4096))
    for number in 1..<61 { try put(log, number..<number + 1, count: 100) }
    let last = try #require(log.segments.last)
    log.closeBlocking()
    let name = try #require(try disk.list().filter { $0.hasSuffix(".wal") }.max())
    disk.replace(name, [UInt8](repeating: 0, count: 4096))
    var now = disk
    for seed in 2...3 as ClosedRange<UInt64> {
      let (again, seen) = try openLog(now, small(segment: 4096), seed: seed)
      #expect(!again.damage.isEmpty && seen.filter { $0.sequence < last.first }.count == Int(last.first) - 1)
      // What is written meanwhile is there, under a number that nothing had.
      #expect(try put(again, 70..<71).sequences.lowerBound > last.first)
      now = now.kill()
    }
    let (mended, before) = try openLog(now, small(segment: 4096), seed: 4)
    #expect(try mended.mend { _ in } == [name + ".damaged"])
    mended.closeBlocking()
    let (sound, seen) = try openLog(now, small(segment: 4096), seed: 5)
    #expect(sound.damage.isEmpty && seen == before && seen.suffix(2).map(\.bytes) == [payload(70), payload(70)])
  }
}
