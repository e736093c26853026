/// Commits that replaced an entry and are not durable yet.
///
/// What they replaced is what a crash would bring back. The index has it no more, so a feed that went past it would never
/// come by it again: until the commit is durable the feed ends before the entry that it replaced.
struct Overwrites: Sendable {
  /// A key's first bytes, which tell the spaces of a feed apart.
  private static let headBytes = 9

  private struct Overwrite {
    let replaced: UInt64
    let by: UInt64
    let head: InlineArray<9, UInt8>
  }

  /// In the order of `by`.
  private var overwrites: [Overwrite] = []

  var count: Int { overwrites.count }

  mutating func note(_ replaced: UInt64, by sequence: UInt64, _ key: UnsafeRawBufferPointer) {
    let head = InlineArray<9, UInt8> { $0 < key.count ? key[$0] : 0 }
    overwrites.append(Overwrite(replaced: replaced, by: sequence, head: head))
  }

  /// Everything up to here is durable.
  mutating func settle(_ durable: UInt64) {
    overwrites.removeFirst(overwrites.prefix { $0.by <= durable }.count)
  }

  /// The oldest entry behind `since` that was replaced by what is not durable, of keys that may have the prefix. Cost:
  /// what is not durable.
  func oldest(since: UInt64, prefix: [UInt8]) -> UInt64? {
    var oldest: UInt64?
    for overwrite in overwrites where overwrite.replaced > since && overwrite.replaced < oldest ?? .max {
      let isWithin = prefix.prefix(Self.headBytes).indices.allSatisfy { overwrite.head[$0] == prefix[$0] }
      if isWithin { oldest = overwrite.replaced }
    }
    return oldest
  }
}
