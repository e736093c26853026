public import SoftadastraCore

/// The starts of one replica, in order: which life of its node handed out which counters.
///
/// Counters belong to a replica and never repeat. A state directory that was restored from a backup, or copied and
/// started twice, breaks that: two lives hand out the same counters for different versions. Each start therefore draws
/// a nonce and records it with the first counter it may hand out. Two accounts of one replica then tell by themselves
/// whether its history has forked, and from which counter on.
public struct StartHistory: Sendable, Hashable {
  public struct Start: Sendable, Hashable {
    public var nonce: UInt64
    public var nextCounter: UInt64
    public init(nonce: UInt64, nextCounter: UInt64) {
      self.nonce = nonce
      self.nextCounter = nextCounter
    }
  }

  /// The newest are kept.
  public static let maxStarts = 64

  public private(set) var starts: [Start]

  public init(_ starts: [Start] = []) { self.starts = starts.suffix(Self.maxStarts) }

  /// A life begins. A start without a version after it gives its counter to the next one.
  public mutating func begin(_ start: Start) {
    starts.removeAll { $0.nextCounter >= start.nextCounter }
    starts = (starts + [start]).suffix(Self.maxStarts)
  }

  /// Which life handed out this counter. Nil if it lies before what is remembered.
  public func nonce(of counter: UInt64) -> UInt64? { starts.last { $0.nextCounter <= counter }?.nonce }

  /// The first counter that two lives used, as far as these two accounts show; nil if they agree.
  ///
  /// - Parameters:
  ///   - known: what somebody else was told of the replica.
  ///   - counter: the highest of the replica's counters that was seen there.
  public func fork(against known: StartHistory, seen counter: UInt64) -> UInt64? {
    let counter = max(counter, known.starts.last?.nextCounter ?? 0)
    return (starts + known.starts).map(\.nextCounter).sorted().first { first in
      guard first <= counter, let own = nonce(of: first), let other = known.nonce(of: first) else { return false }
      return own != other
    }
  }
}

extension ByteWriter {
  public mutating func starts(_ history: StartHistory) {
    varint(history.starts.count)
    for start in history.starts {
      uint64(start.nonce)
      varint(start.nextCounter)
    }
  }
}

extension ByteReader {
  public mutating func starts() throws(CodingError) -> StartHistory {
    let count = try count(limit: StartHistory.maxStarts, "starts")
    var starts: [StartHistory.Start] = []
    for _ in 0..<count {
      let start = StartHistory.Start(nonce: try uint64(), nextCounter: try varint())
      guard starts.last.map({ $0.nextCounter < start.nextCounter }) ?? true else { throw .invalid(what: "starts") }
      starts.append(start)
    }
    return StartHistory(starts)
  }
}
