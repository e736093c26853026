import Glibc
import SoftadastraCore
import SoftadastraWAL
import Synchronization
import TestSupport
import Testing

/// A log that is closed leaves nobody behind, and one that is in use is synced in time.
@Suite struct ClosingTests {
  private final class Gate: Sendable {
    let isShut = Atomic(true)
    let waiting = Atomic(0)

    func pass() {
      waiting.add(1, ordering: .sequentiallyConsistent)
      while isShut.load(ordering: .sequentiallyConsistent) { usleep(500) }
    }
  }

  /// Room comes, or not, while the writer is at the disk.
  @Test(arguments: [false, true]) func aFullLogIsNotClosedBeforeItsWriterHasEnded(roomComes: Bool) throws {
    let (memory, gate) = (MemoryDisk(), Gate())
    let disk = ObservedDisk(memory)
    let (full, _) = try openLog(disk)
    memory.setCapacity(1000)
    let ticket = try full.enqueue([(1, [UInt8](repeating: 65, count: 200_000))])
    #expect(throws: SoftadastraError.self) { try full.waitBlocking(for: ticket) }
    // The writer's next attempt begins, and takes its time.
    disk.observe { if $0 == .open { gate.pass() } }
    try waitUntil { gate.waiting.load(ordering: .sequentiallyConsistent) > 0 }
    if roomComes { memory.setCapacity(.max) }
    BackgroundThread.start { full.closeBlocking() }
    usleep(100_000)
    // Another one could open it now.
    #expect(throws: SoftadastraError.self) { _ = try memory.lock("lock") }
    gate.isShut.store(false, ordering: .sequentiallyConsistent)
    try waitUntil { (try? memory.lock("lock")) != nil }
    let calls = memory.callCount
    usleep(500_000)
    #expect(memory.callCount == calls)
    let (_, seen) = try openLog(memory.kill(), small(), seed: 3)
    #expect(seen.count == (roomComes ? 1 : 0))
  }

  @Test func aTrickleDoesNotPutOffTheSync() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, small(.fast))
    let clock = SystemTime()
    let start = clock.monotonicNanoseconds()
    var written: [(at: UInt64, sequence: UInt64)] = []
    while clock.monotonicNanoseconds() - start < 2_500_000_000 {
      let ticket = try put(log, written.count..<written.count + 1)
      try log.waitBlocking(for: ticket)
      written.append((clock.monotonicNanoseconds() - start, ticket.sequences.upperBound))
      usleep(20_000)
    }
    let (_, seen) = try openLog(disk.crash(seed: 4), small(.fast), seed: 2)
    // Half a second, and as much for a busy machine.
    let due = written.last { $0.at < 1_500_000_000 }
    #expect(seen.count >= Int(try #require(due).sequence))
  }
}
