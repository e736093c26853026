internal import SoftadastraCore
internal import SoftadastraMirror
internal import SoftadastraStore
internal import SoftadastraSync

/// A value that lost against a concurrent one.
struct LostValue: Sendable, Hashable {
  let key: [UInt8]
  let dot: Dot
  let stamp: HybridTimestamp
}

/// What this node keeps of values that lost, until somebody decides on them here.
///
/// The record's key is `L`, the value's key, NUL, the loser's dot; its value is the lost one; its tag the loser's stamp.
/// Records are this node's own: each member that saw both values has one.
struct LostValues: Sendable {
  let store: Store

  private static let suffixBytes = 17

  func all() -> [LostValue] {
    var found: [LostValue] = []
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: [Namespace.lost], after: after, limit: 1024)
      for (key, summary) in page where key.count > Self.suffixBytes {
        let tail = key.suffix(Self.suffixBytes).dropFirst()
        func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        found.append(
          LostValue(
            key: Array(key[1..<(key.count - Self.suffixBytes)]),
            dot: Dot(replica: ReplicaID(rawValue: number(tail.prefix(8))), counter: number(tail.suffix(8))),
            stamp: HybridTimestamp(rawValue: summary.tag)))
      }
      guard page.count == 1024 else { return found }
      after = page.last!.key
    }
  }

  /// Forgets the loser, puts it in the winner's place, or puts it under a key of its own beside it.
  func resolve(
    _ lost: LostValue, keep choice: ConflictChoice, with values: ValueOperations
  ) async throws(SoftadastraError) {
    let record = StoreKey.lost(lost.key, lost.dot)
    guard let value = try store.get(record)?.value else { return }
    switch choice {
    case .this: break
    case .other: _ = try await values.put(lost.key, value, ifVersion: nil)
    case .both: _ = try await values.put(besides(lost), value, ifVersion: nil)
    }
    try await store.wait(try store.commit([.erase(key: record)]))
  }

  /// `KEY.conflict-YYYYMMDD-HHMMSS-COUNTER`, as a file's copy would be called.
  private func besides(_ lost: LostValue) -> [UInt8] {
    let suffix = Array(".conflict-\(UTCTime(lost.stamp).compact)-\(lost.dot.counter)".utf8)
    return lost.key.prefix(Bounds.maxValueKeyBytes - suffix.count) + suffix
  }
}
