import Glibc
import SoftadastraCore
import SoftadastraWAL
import Synchronization
import TestSupport
import Testing

/// Threads that write what they wait for themselves, beside the log's own.
@Suite struct OwnWriterTests {
  @discardableResult
  private func putHere(_ log: WriteAheadLog, _ number: Int) throws -> WALTicket {
    let ticket = try log.enqueue([(1, payload(number))], wakesWriter: false)
    try log.waitBlocking(for: ticket)
    return ticket
  }

  /// Runs the closure on so many threads at once.
  private func crowd(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Work: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let threads = (0..<count).map { number in
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        {
          Unmanaged<Work>.fromOpaque($0!).takeRetainedValue().body()
          return nil
        }, Unmanaged.passRetained(Work { body(number) }).toOpaque())
      return thread
    }
    for thread in threads { pthread_join(thread, nil) }
  }

  @Test(arguments: [Durability.durable, .fast]) func aCrowdLosesNothing(_ durability: Durability) throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(durability, segment: 16_384))
    let failures = Atomic(0)
    crowd(6) { thread in
      for at in 0..<150 {
        do {
          // Every other thread leaves the work to the log's.
          if thread % 2 == 0 {
            try putHere(log, thread * 1000 + at)
          } else {
            try put(log, thread * 1000 + at..<thread * 1000 + at + 1)
          }
        } catch { failures.add(1, ordering: .relaxed) }
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    #expect(log.durableSequence == 900)
    log.closeBlocking()
    let (again, seen) = try openLog(disk.crash(seed: 5))
    #expect(again.damage.isEmpty)
    #expect(seen.count == 900)
    for thread in 0..<6 {
      let own = Set((0..<150).map { payload(thread * 1000 + $0) })
      #expect(seen.map(\.bytes).filter(own.contains) == (0..<150).map { payload(thread * 1000 + $0) })
    }
    again.closeBlocking()
  }

  @Test func whatWasAcknowledgedHereOutlivesAPowerCut() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    for number in 1...20 { try putHere(log, number) }
    let (again, seen) = try openLog(disk.crash(seed: 9))
    #expect(seen == (1...20).map { Replayed(sequence: UInt64($0), bytes: payload($0)) })
    again.closeBlocking()
    log.closeBlocking()
  }

  @Test func afterAFailedSyncTheRecordsAreInAnotherFile() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try putHere(log, 1)
    disk.fail(.sync)
    try putHere(log, 2)
    try putHere(log, 3)
    log.closeBlocking()
    let (again, seen) = try openLog(disk.crash(seed: 2))
    #expect(seen.map(\.bytes) == [payload(1), payload(2), payload(3)])
    again.closeBlocking()
  }

  /// The thread that met the full disk goes on; the log's own tries again until there is room.
  @Test func aFullDiskIsTriedAgainWithoutAnybodyWaiting() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    try putHere(log, 1)
    disk.fail(.write, count: 3, errno: ENOSPC)
    #expect(throws: SoftadastraError.self) { try putHere(log, 2) }
    try waitUntil { log.durableSequence == 2 }
    try putHere(log, 3)
    log.closeBlocking()
    let (again, seen) = try openLog(disk.crash(seed: 3))
    #expect(seen.map(\.bytes) == [payload(1), payload(2), payload(3)])
    again.closeBlocking()
  }
}
