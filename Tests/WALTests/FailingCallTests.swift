import Glibc
import SoftadastraCore
import SoftadastraWAL
import TestSupport
import Testing

/// Every call of the disk fails once, in turn: the log goes on or says that it does not, and keeps what it promised.
@Suite struct FailingCallTests {
  @Test(arguments: [EIO, ENOSPC, EROFS], [MemoryDisk.Operation.open, .write, .sync, .rename, .remove, .syncDirectory])
  func nothingAcknowledgedIsLost(errno: Int32, operation: MemoryDisk.Operation) throws {
    for after in 0..<12 {
      let disk = MemoryDisk()
      disk.fail(operation, after: after, errno: errno)
      var kept: [UInt64: Int] = [:]
      if let (log, _) = try? openLog(disk, small(segment: 4096)) {
        for number in 1..<60 {
          guard let ticket = try? log.enqueue([(1, payload(number, count: 200))]) else { break }
          do {
            try log.waitBlocking(for: ticket)
          } catch {
            // With room again, a full log writes what it accepted.
            guard (try? log.sync()) != nil else { break }
          }
          kept[ticket.sequences.lowerBound] = number
          if number % 20 == 0 {
            try? log.roll()
            _ = try? log.compact(isLive: { record, _ in record.sequence % 2 == 0 }, moved: { _ in })
            kept = kept.filter { $0.key % 2 == 0 || $0.key > UInt64(number) }
          }
        }
        log.closeBlocking()
      }
      disk.clearFaults()
      let (again, seen) = try openLog(disk.crash(seed: UInt64(after)), small(segment: 4096), seed: 9)
      #expect(again.damage.isEmpty, "\(operation) \(after): \(again.damage)")
      let found = Dictionary(uniqueKeysWithValues: seen.map { ($0.sequence, $0.bytes) })
      for (sequence, number) in kept {
        #expect(found[sequence] == payload(number, count: 200), "\(operation) \(after): record \(sequence)")
      }
      again.closeBlocking()
    }
  }
}
