internal import Synchronization

/// The bytes of small files as they were read when they were taken in, until they are sent: so that each file is read
/// once and not twice. Bounded; what is not here is read again.
///
/// Named by the sequence of the entry they belong to, which is never used for anything else: these bytes are what the
/// entry's manifest was made from.
final class RecentContent: Sendable {
  static let maxBytes = 8 << 20

  private struct State {
    var contents: [UInt64: [UInt8]] = [:]
    /// Oldest first; what was taken meanwhile is still listed.
    var order: [UInt64] = []
    var head = 0
    var bytes = 0
  }

  private let state = Mutex(State())

  func remember(_ content: [UInt8], of sequence: UInt64) {
    state.withLock { state in
      state.contents[sequence] = content
      state.order.append(sequence)
      state.bytes += content.count
      while state.bytes > Self.maxBytes, state.head < state.order.count {
        if let old = state.contents.removeValue(forKey: state.order[state.head]) { state.bytes -= old.count }
        state.head += 1
      }
      if state.head > 1024, state.head * 2 > state.order.count {
        state.order.removeFirst(state.head)
        state.head = 0
      }
    }
  }

  /// Once only: further peers have it read from the disk.
  func take(_ sequence: UInt64) -> [UInt8]? {
    state.withLock { state in
      guard let content = state.contents.removeValue(forKey: sequence) else { return nil }
      state.bytes -= content.count
      return content
    }
  }

  func removeAll() { state.withLock { $0 = State() } }
}
