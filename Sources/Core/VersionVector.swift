/// For each replica, the counter up to which its changes were seen.
///
/// Kept sorted by replica. At most `maxMembers` replicas; a decoder refuses more.
public struct VersionVector: Hashable, Sendable, CustomStringConvertible {
  public static let maxMembers = 16 << 10

  /// Sorted by replica, no replica twice, no counter 0.
  public private(set) var dots: [Dot]

  public init() { dots = [] }

  public init(_ dots: some Sequence<Dot>) {
    self.dots = []
    for dot in dots { add(dot) }
  }

  public var isEmpty: Bool { dots.isEmpty }

  /// 0 for a replica never seen.
  public subscript(replica: ReplicaID) -> UInt64 {
    let at = position(of: replica)
    return at < dots.count && dots[at].replica == replica ? dots[at].counter : 0
  }

  public func covers(_ dot: Dot) -> Bool { self[dot.replica] >= dot.counter }

  public func covers(_ other: VersionVector) -> Bool { other.dots.allSatisfy(covers) }

  /// Raises the dot's replica to its counter; never lowers it.
  public mutating func add(_ dot: Dot) {
    guard dot.counter > 0 else { return }
    let at = position(of: dot.replica)
    if at < dots.count, dots[at].replica == dot.replica {
      if dots[at].counter < dot.counter { dots[at] = dot }
    } else {
      dots.insert(dot, at: at)
    }
  }

  /// The least vector that covers both.
  public mutating func merge(_ other: VersionVector) {
    for dot in other.dots { add(dot) }
  }

  /// The same, having seen the replica only up to its counter (0: not at all).
  public func cutting(_ replica: ReplicaID, to counter: UInt64) -> VersionVector {
    VersionVector(dots.map { $0.replica == replica ? Dot(replica: replica, counter: min($0.counter, counter)) : $0 })
  }

  private func position(of replica: ReplicaID) -> Int {
    var low = 0
    var high = dots.count
    while low < high {
      let middle = (low + high) / 2
      if dots[middle].replica < replica { low = middle + 1 } else { high = middle }
    }
    return low
  }

  public var description: String { "[" + dots.map(\.description).joined(separator: " ") + "]" }
}
