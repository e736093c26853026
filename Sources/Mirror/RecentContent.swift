internal import Synchronization

/// The bytes of small files as they were read when they were taken in, until they are sent: so that each file is read
/// once and not twice. Bounded: when it is full the newest goes, for the oldest is needed next. What is not here is
/// read again.
///
/// Named by the sequence of the entry they belong to, which is never used for anything else: these bytes are what the
/// entry's manifest was made from.
final class RecentContent: Sendable {
  static let maxBytes = 12 << 20
  /// What an item occupies beside its content, about.
  static let itemBytes = 96
  /// A sender takes sequences about in order: what lies so far behind will not be asked for any more.
  private static let reach: UInt64 = 8192

  private struct State {
    var contents: [UInt64: [UInt8]] = [:]
    /// Ascending; what was taken meanwhile is still listed.
    var order: [UInt64] = []
    var head = 0
    var bytes = 0
    var taken: UInt64 = 0

    mutating func drop(_ sequence: UInt64) -> [UInt8]? {
      guard let content = contents.removeValue(forKey: sequence) else { return nil }
      bytes -= content.count + itemBytes
      return content
    }

    /// Lets go of what was overtaken before anybody took it.
    mutating func forget(before sequence: UInt64) {
      while head < order.count, order[head] < sequence || contents[order[head]] == nil {
        _ = drop(order[head])
        head += 1
      }
      if head > 1024, head * 2 > order.count {
        order.removeFirst(head)
        head = 0
      }
    }
  }

  private let state = Mutex(State())

  func remember(_ content: [UInt8], of sequence: UInt64) {
    state.withLock { state in
      guard state.bytes + content.count + Self.itemBytes <= Self.maxBytes else { return }
      state.contents[sequence] = content
      state.order.append(sequence)
      state.bytes += content.count + Self.itemBytes
    }
  }

  /// Once only: further peers have it read from the disk.
  func take(_ sequence: UInt64) -> [UInt8]? {
    state.withLock { state in
      let content = state.drop(sequence)
      if content != nil { state.taken += 1 }
      state.forget(before: sequence > Self.reach ? sequence - Self.reach : 0)
      return content
    }
  }

  /// How often something was taken, while there is no room for a further batch; nil while there is.
  var takenWhileCrowded: UInt64? { state.withLock { $0.bytes > Self.maxBytes / 4 ? $0.taken : nil } }

  func removeAll() { state.withLock { $0 = State() } }
}
