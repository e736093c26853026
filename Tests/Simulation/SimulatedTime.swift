import SoftadastraCore
import Synchronization

/// One machine's clocks: the scheduler's time for the monotonic one, and a wall clock that is wrong and jumps.
final class SimulatedTime: TimeSource {
  private static let epochMilliseconds: Int64 = 1_760_000_000_000
  private let scheduler: Scheduler
  private let offset: Mutex<Int64>

  init(_ scheduler: Scheduler, offsetMilliseconds: Int64) {
    self.scheduler = scheduler
    offset = Mutex(offsetMilliseconds)
  }

  func jump(milliseconds: Int64) { offset.withLock { $0 += milliseconds } }

  func wallMilliseconds() -> Int64 {
    Self.epochMilliseconds + Int64(scheduler.now / 1_000_000) + offset.withLock { $0 }
  }

  func monotonicNanoseconds() -> UInt64 { scheduler.now }
  func sleep(nanoseconds: UInt64) async { await scheduler.sleep(nanoseconds) }
}
