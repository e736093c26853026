public import SoftadastraCore
internal import Synchronization

/// A seeded generator (SplitMix64): the same seed gives the same run, on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678 }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A clock that moves only when the test says so.
public final class ManualTime: TimeSource {
  private let now: Mutex<(wall: Int64, monotonic: UInt64)>
  private let sleepers = Mutex<[(until: UInt64, continuation: CheckedContinuation<Void, Never>)]>([])

  public init(wallMilliseconds: Int64 = 1_700_000_000_000) { now = Mutex((wallMilliseconds, 1)) }

  public func wallMilliseconds() -> Int64 { now.withLock { $0.wall } }
  public func monotonicNanoseconds() -> UInt64 { now.withLock { $0.monotonic } }
  public func advance(milliseconds: Int64) {
    now.withLock {
      $0.wall += milliseconds
      $0.monotonic += UInt64(milliseconds) * 1_000_000
    }
    let reached = monotonicNanoseconds()
    let due = sleepers.withLock { sleepers in
      let due = sleepers.filter { $0.until <= reached }
      sleepers.removeAll { $0.until <= reached }
      return due
    }
    for sleeper in due { sleeper.continuation.resume() }
  }
  public func sleep(nanoseconds: UInt64) async {
    let until = monotonicNanoseconds() + nanoseconds
    await withCheckedContinuation { continuation in sleepers.withLock { $0.append((until, continuation)) } }
  }
  /// Wall clocks jump, also back.
  public func jump(milliseconds: Int64) { now.withLock { $0.wall += milliseconds } }
}

/// Damaged copies of an encoding: every truncation, and `count` seeded mutations.
public func damagedCopies(of bytes: [UInt8], seed: UInt64, count: Int = 200) -> [[UInt8]] {
  var generator = SeededGenerator(seed: seed)
  var copies = (0..<bytes.count).map { Array(bytes[..<$0]) }
  for _ in 0..<count {
    var copy = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      guard !copy.isEmpty else { break }
      let at = Int.random(in: 0..<copy.count, using: &generator)
      switch UInt8.random(in: 0...4, using: &generator) {
      case 0: copy[at] = 0xFF
      case 1: copy[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2: copy.insert(UInt8.random(in: 0...255, using: &generator), at: at)
      case 3: copy.remove(at: at)
      default: copy[at] = UInt8.random(in: 0...255, using: &generator)
      }
    }
    copies.append(copy)
  }
  return copies
}

/// Bytes that depend on the seed only.
public func randomBytes(seed: UInt64, count: Int) -> [UInt8] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}
