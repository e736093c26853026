import Glibc
import SoftadastraCore
import SoftadastraWAL
import Synchronization
import TestSupport
import Testing

struct Replayed: Equatable {
  var sequence: UInt64
  var bytes: [UInt8]
}

func small(_ durability: Durability = .durable, segment: Int = 1 << 20) -> WALOptions {
  WALOptions(durability: durability, segmentBytes: segment, fillBytes: 4096)
}

func openLog(_ disk: any Disk, _ options: WALOptions = small(), seed: UInt64 = 1) throws -> (
  WriteAheadLog, [Replayed]
) {
  var seen: [Replayed] = []
  let log = try WriteAheadLog.open(disk: disk, options: options, random: SeededSource(seed: seed)) {
    seen.append(Replayed(sequence: $0.sequence, bytes: Array($0.payload)))
  }
  return (log, seen)
}

func payload(_ number: Int, count: Int = 40) -> [UInt8] {
  var random = SeededRandom(seed: UInt64(number))
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) | 1 }
}

@discardableResult
func put(_ log: WriteAheadLog, _ numbers: Range<Int>, count: Int = 40) throws -> WALTicket {
  let ticket = try log.enqueue(numbers.map { (1, payload($0, count: count)) })
  try log.waitBlocking(for: ticket)
  return ticket
}

@Suite struct LogTests {
  let segment = "0000000000000001.wal"

  @Test func recordsComeBackInOrderAndOnlyOnce() throws {
    let disk = MemoryDisk()
    var (log, seen) = try openLog(disk)
    #expect(seen.isEmpty)
    try put(log, 1..<4)
    let ticket = try put(log, 4..<5)
    #expect(ticket.sequences == 4...4)
    #expect(try log.read(ticket.positions[0]) == payload(4))
    log.closeBlocking()
    for _ in 0..<3 {
      (log, seen) = try openLog(disk)
      #expect(seen == (1..<5).map { Replayed(sequence: UInt64($0), bytes: payload($0)) })
      log.closeBlocking()
    }
  }

  @Test func theBytesOfASegmentAreFixed() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, seed: 7)
    try log.waitBlocking(for: log.enqueue([(9, [1, 2, 3])]))
    log.closeBlocking()
    let bytes = try #require(disk.bytes(segment))
    #expect(Array(bytes[..<8]) == Array("SADAWAL1".utf8))
    #expect(Array(bytes[8..<16]) == [0, 0, 0, 0, 56, 0, 0, 0])
    #expect(Array(bytes[24..<48]) == [1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16))
    let record = Array(bytes[56..<95])
    #expect(Array(record[8..<12]) == [3, 0, 0, 0])
    #expect(Array(record[12..<16]) == Array(bytes[16..<20]))
    #expect(Array(record[16..<24]) == [1, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(record[24..<39]) == [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3])
    let sum = Checksum.xxh3(Array(record[8...]))
    #expect(Array(record[..<8]) == (0..<8).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) })
    // The end mark: an empty record with the next sequence, a group of its own.
    let mark = Array(bytes[95..<131])
    #expect(Array(mark[8..<12]) == [0, 0, 0, 0] && Array(mark[12..<16]) == Array(bytes[16..<20]))
    #expect(Array(mark[16..<36]) == [2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0])
    #expect(bytes[131...].allSatisfy { $0 == 0 })
  }

  @Test func aTornTailIsCutAtEveryByte() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try put(log, 1..<3)
    let start = Int(log.tail.offset)
    try put(log, 3..<6)
    let end = Int(log.tail.offset)
    log.closeBlocking()
    let whole = try #require(disk.bytes(segment))
    for cut in start..<end {
      let torn = MemoryDisk()
      torn.replace(segment, Array(whole[..<cut]) + [UInt8](repeating: 0, count: whole.count - cut))
      var (log, seen) = try openLog(torn)
      #expect(seen.map(\.sequence) == [1, 2], "cut at \(cut)")
      #expect(log.damage.isEmpty)
      #expect(cut == start || log.tornTail != nil)
      // Numbers go on where the cut left off, and nothing of the old tail comes back.
      try put(log, 90..<91)
      log.closeBlocking()
      (log, seen) = try openLog(torn)
      #expect(seen.map(\.sequence) == [1, 2, 3])
      #expect(seen[2].bytes == payload(90))
      log.closeBlocking()
    }
  }

  @Test func aMissingSegmentIsDamage() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 4096))
    for number in 1..<200 { try put(log, number..<number + 1) }
    let segments = log.segments
    #expect(segments.count > 3)
    log.closeBlocking()
    let digits = String(segments[1].first, radix: 16)
    try disk.remove(String(repeating: "0", count: 16 - digits.count) + digits + ".wal")
    let report = try WriteAheadLog.verify(disk: disk)
    #expect(report.damage.first?.missing == segments[1].first...segments[2].first - 1)
  }

  @Test func manyWritersShareGroups() async throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 16 << 10))
    let all = await withTaskGroup(of: [UInt64].self) { group in
      for writer in 0..<8 {
        group.addTask {
          var mine: [UInt64] = []
          for number in 0..<100 {
            guard let ticket = try? log.enqueue([(1, payload(writer * 100 + number))]) else { continue }
            guard (try? await log.wait(for: ticket)) != nil else { continue }
            mine.append(ticket.sequences.lowerBound)
          }
          return mine
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(all.sorted() == (1...800).map { UInt64($0) })
    await log.close()
    let (again, seen) = try openLog(disk)
    #expect(seen.map(\.sequence) == (1...800).map { UInt64($0) })
    again.closeBlocking()
  }

  @Test(arguments: [MemoryDisk.Operation.sync, .write]) func aFailureMovesTheRecordsElsewhere(
    operation: MemoryDisk.Operation
  ) throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try put(log, 1..<3)
    disk.fail(operation)
    let ticket = try put(log, 3..<5)
    #expect(log.segmentCount == 2)
    try put(log, 5..<6)
    #expect(try log.read(ticket.positions[1]) == payload(4))
    let next = disk.crash(seed: 1)
    let (again, seen) = try openLog(next)
    #expect(seen == (1..<6).map { Replayed(sequence: UInt64($0), bytes: payload($0)) })
    #expect(again.damage.isEmpty)
    again.closeBlocking()
  }

  @Test func aDeadDiskFailsEveryTicketAndReadsGoOn() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    let first = try put(log, 1..<2)
    disk.fail(.sync, count: 1000)
    let error = #expect(throws: SoftadastraError.self) { try put(log, 2..<3) }
    #expect(error?.code == .device && error?.wasAccepted == false)
    #expect(throws: SoftadastraError.self) { try log.enqueue([(1, [1])]) }
    #expect(try log.read(first.positions[0]) == payload(1))
    log.closeBlocking()
  }

  @Test func aFullDiskIsLeftWhenThereIsRoom() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try put(log, 1..<2)
    disk.setCapacity(1000)
    let ticket = try log.enqueue([(1, payload(2, count: 200_000))])
    let error = #expect(throws: SoftadastraError.self) { try log.waitBlocking(for: ticket) }
    #expect(error?.code == .noSpace && error?.isRetryable == true)
    disk.setCapacity(.max)
    try waitUntil { log.durableSequence >= 2 }
    try put(log, 3..<4)
    log.closeBlocking()
    let (again, seen) = try openLog(disk)
    #expect(seen.map(\.sequence) == [1, 2, 3])
    again.closeBlocking()
  }

  @Test func theLockIsExclusive() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    let error = #expect(throws: SoftadastraError.self) { try openLog(disk) }
    #expect(error?.code == .conflict && error?.why.contains("\(getpid())") == true)
    log.closeBlocking()
    try openLog(disk).0.closeBlocking()
  }

  @Test func spareSegmentsAreGivenBackAtRest() throws {
    func spare(_ disk: MemoryDisk) throws -> [String] { try disk.list().filter { $0.hasSuffix(".free") } }
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 8192))
    for number in 1..<500 { try put(log, number..<number + 1) }
    try log.roll()
    try log.compact(isLive: { record, _ in record.sequence > 490 }, moved: { _ in })
    #expect(try spare(disk).count == WALOptions.defaultRecycledSegments)
    log.releaseSpareSegments()
    let kept = try spare(disk)
    #expect(kept.count == 1)
    // The one that is left is used, and what was given back is not missed.
    for number in 500..<800 { try put(log, number..<number + 1) }
    #expect(try spare(disk).isEmpty)
    log.closeBlocking()
    #expect(try openLog(disk, small(segment: 8192)).1.last?.sequence == 799)
  }

  @Test func compactionKeepsOrderWhileInUse() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(segment: 8192))
    for number in 1..<500 { try put(log, number..<number + 1) }
    var positions: [UInt64: WALPosition] = [:]
    try log.roll()
    try log.compact(
      isLive: { record, _ in
        // Somebody writes meanwhile.
        if record.sequence % 100 == 0 { _ = try? log.enqueue([(1, payload(7))]) }
        return record.sequence % 10 == 0
      }, moved: { for position in $0 { positions[position.sequence] = position } })
    #expect(positions.count == 49)
    for (sequence, position) in positions { #expect(try log.read(position) == payload(Int(sequence))) }
    let last = log.lastSequence
    log.closeBlocking()
    let (again, seen) = try openLog(disk)
    #expect(seen.map(\.sequence) == stride(from: UInt64(10), through: 490, by: 10) + Array(500...last))
    #expect(again.damage.isEmpty)
    again.closeBlocking()
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func powerLossAnywhereLosesNothingAcknowledged(seed: UInt64) throws {
    for death in 1..<60 {
      let disk = MemoryDisk()
      disk.die(afterCalls: death)
      var acknowledged: UInt64 = 0
      var enqueued: UInt64 = 0
      if let (log, _) = try? openLog(disk, small(segment: 4096), seed: seed) {
        var random = SeededRandom(seed: seed &* 1000 &+ UInt64(death))
        var number = 1
        while true {
          let batch = 1 + random.below(4)
          guard let ticket = try? log.enqueue((number..<number + batch).map { (1, payload($0, count: 300)) }) else {
            break
          }
          number += batch
          enqueued = ticket.sequences.upperBound
          guard (try? log.waitBlocking(for: ticket)) != nil else { break }
          acknowledged = enqueued
          if number % 40 < batch {
            guard (try? log.roll()) != nil, (try? log.compact(isLive: { _, _ in true }, moved: { _ in })) != nil else {
              break
            }
          }
        }
        log.closeBlocking()
      }
      let (again, seen) = try openLog(disk.crash(seed: seed &+ UInt64(death)), seed: seed + 50)
      #expect(again.damage.isEmpty, "seed \(seed), death \(death): \(again.damage)")
      // A prefix, of whole batches, with at least what was acknowledged.
      #expect(seen == (0..<seen.count).map { Replayed(sequence: UInt64($0 + 1), bytes: payload($0 + 1, count: 300)) })
      #expect(seen.count == acknowledged || seen.count == enqueued, "seed \(seed), death \(death)")
      again.closeBlocking()
    }
  }

  @Test func fastLogsKeepWhatAKilledProcessWrote() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(.fast))
    try put(log, 1..<50)
    let (again, seen) = try openLog(disk.kill())
    #expect(seen.count == 49)
    again.closeBlocking()
  }
}

func waitUntil(_ condition: () -> Bool) throws {
  let start = SystemTime().monotonicNanoseconds()
  while !condition() {
    guard SystemTime().monotonicNanoseconds() - start < 5_000_000_000 else {
      throw SoftadastraError(.timeout, "wait", why: "the condition did not come true")
    }
    usleep(1000)
  }
}
