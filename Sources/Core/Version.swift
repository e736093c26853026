/// The name of one version: the counter-th change that a replica made, over all its keys.
public struct Dot: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let replica: ReplicaID
  /// From 1; belongs to the replica and never repeats.
  public let counter: UInt64
  /// More is refused wherever a dot is read: there is always a next one.
  public static let maxCounter: UInt64 = 1 << 62

  public init(replica: ReplicaID, counter: UInt64) {
    self.replica = replica
    self.counter = counter
  }

  public var description: String { "\(replica):\(counter)" }
  public static func < (a: Dot, b: Dot) -> Bool { (a.replica, a.counter) < (b.replica, b.counter) }
}

/// How two versions of one key relate.
public enum Causality: Sendable, Hashable {
  case same
  /// The first was made by someone who had seen the second.
  case newer
  case older
  case concurrent
}

/// What an edit had seen, its own name, and the tie-break between edits that had not seen each other.
///
/// Causality alone decides which of two versions supersedes the other: `a` is newer than `b` when `a`'s
/// vector covers `b`'s dot. That question needs no clock. `stamp`, then author, then dot, order concurrent
/// versions the same way on every node. Joining a loser's vector into the winner (`absorbing`) makes the next
/// edit supersede both. (Dotted version vectors: Preguiça et al., 2010.)
///
/// Between versions that have not seen each other's dots their *origins* decide: an edit or a deletion by somebody who had
/// seen the content is newer than a version that only carries it on.
public struct Version: Hashable, Sendable, CustomStringConvertible {
  public var vector: VersionVector
  public var dot: Dot
  public var stamp: HybridTimestamp
  public var author: AuthorTag
  /// The version that the content was made with: the dot itself, except of a survivor that was given a new version because
  /// it must cover what lost against it.
  public var origin: Dot

  /// The vector is extended to cover the dot, which every version has seen.
  /// - Parameter origin: the dot if nil.
  public init(vector: VersionVector, dot: Dot, stamp: HybridTimestamp, author: AuthorTag, origin: Dot? = nil) {
    self.origin = origin ?? dot
    self.vector = vector
    self.vector.add(dot)
    self.dot = dot
    self.stamp = stamp
    self.author = author
  }

  public func covers(_ other: Version) -> Bool { vector.covers(other.dot) }

  public func compare(_ other: Version) -> Causality {
    if dot == other.dot { return .same }
    switch (vector.covers(other.dot), other.vector.covers(dot)) {
    case (true, false): return .newer
    case (false, true): return .older
    // Each covers the other's dot only after both sides joined their vectors: the total order decides again.
    case (true, true): return .concurrent
    case (false, false): break
    }
    switch (vector.covers(other.origin), other.vector.covers(origin)) {
    case (true, false): return .newer
    case (false, true): return .older
    case (true, true), (false, false): return .concurrent
    }
  }

  /// The total order of concurrent versions, the same on every node.
  public func wins(over other: Version) -> Bool {
    (stamp, author, dot) > (other.stamp, other.author, other.dot)
  }

  /// The same version, having seen what `other` has seen.
  public func absorbing(_ other: Version) -> Version {
    var copy = self
    copy.vector.merge(other.vector)
    return copy
  }

  public var description: String { "\(dot)@\(stamp)" }
}
