/// Commits that replaced an entry and are not durable yet.
///
/// What they replaced is what a crash would bring back. The index has it no more, so a feed that went past it would never
/// come by it again: until the commit is durable the feed ends before the entry that it replaced.
struct Overwrites: Sendable {
  private struct Overwrite {
    let replaced: UInt64
    let by: UInt64
  }

  /// In the order of `by`.
  private var overwrites: [Overwrite] = []

  var count: Int { overwrites.count }

  mutating func note(_ replaced: UInt64, by sequence: UInt64) {
    overwrites.append(Overwrite(replaced: replaced, by: sequence))
  }

  /// Everything up to here is durable.
  mutating func settle(_ durable: UInt64) {
    overwrites.removeFirst(overwrites.prefix { $0.by <= durable }.count)
  }

  /// The oldest entry behind `since` that was replaced by what is not durable. Cost: what is not durable.
  func oldest(since: UInt64) -> UInt64? {
    overwrites.lazy.map(\.replaced).filter { $0 > since }.min()
  }
}
