public import SoftadastraCore

/// How far a member has come in one space: not where it stands in anybody's log, but which changes it has.
///
/// | field     | form   |
/// | --------- | ------ |
/// | applied   | vector |
/// | collected | vector |
///
/// `collected` is covered by `applied`, and travels and is kept with it: who takes over what somebody has applied takes
/// over the account of what is remembered by nobody any more.
public struct Watermark: Sendable, Hashable {
  /// Of each replica, the counter up to which every change is applied or superseded here.
  public var applied: VersionVector
  /// Tombstones up to here may be gone.
  public var collected: VersionVector

  public init(applied: VersionVector = VersionVector(), collected: VersionVector = VersionVector()) {
    self.applied = applied
    self.collected = collected
  }

  public func covers(_ other: Watermark) -> Bool {
    applied.covers(other.applied) && collected.covers(other.collected)
  }

  public mutating func merge(_ other: Watermark) {
    applied.merge(other.applied)
    collected.merge(other.collected)
  }

  /// Whether a member that has applied only this may hold something whose deletion is forgotten here. Its own changes,
  /// by its replica, it knows.
  public func mayHaveForgotten(what applied: VersionVector, by replica: ReplicaID) -> Bool {
    !collected.dots.allSatisfy { $0.replica == replica || applied.covers($0) }
  }
}

extension ByteWriter {
  public mutating func watermark(_ value: Watermark) {
    vector(value.applied)
    vector(value.collected)
  }
}

extension ByteReader {
  public mutating func watermark() throws(CodingError) -> Watermark {
    Watermark(applied: try vector(), collected: try vector())
  }
}
