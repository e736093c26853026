internal import SoftadastraCore
internal import Synchronization

/// What a store is to sum up, so that nobody walks its entries for it: over the live entries of a namespace, one sum for
/// each prefix of their keys.
public struct SumRule: Sendable {
  /// Not 0, and another one whenever `amount` changes: checkpoints hold what an older one said.
  public var number: UInt8
  /// The first byte of the keys.
  public var namespace: UInt8
  /// Longer keys with the same first bytes are summed together.
  public var prefixCount: Int
  /// Entries with any of these flags are counted as marked.
  public var markingFlags: UInt8
  /// Of an entry's value; nil for one that is not to be counted. A pure function: its results are kept in checkpoints.
  public var amount: @Sendable (UnsafeRawBufferPointer) -> UInt64?

  public init(
    number: UInt8, namespace: UInt8, prefixCount: Int, markingFlags: UInt8,
    amount: @escaping @Sendable (UnsafeRawBufferPointer) -> UInt64?
  ) {
    self.number = number
    self.namespace = namespace
    self.prefixCount = prefixCount
    self.markingFlags = markingFlags
    self.amount = amount
  }
}

/// A sum over entries.
public struct EntrySum: Sendable, Hashable {
  /// Entries that have an amount.
  public internal(set) var count = 0
  /// All amounts, modulo 2^64.
  public internal(set) var amount: UInt64 = 0
  /// Entries with a marking flag.
  public internal(set) var marked = 0
}

/// The sums of an index, kept up to date with every entry that comes or goes.
struct EntrySums: Sendable {
  let rule: SumRule?
  /// A few: one for each folder.
  private var sums: [(prefix: [UInt8], sum: EntrySum)] = []
  /// Neighbours belong together.
  private var recent = 0

  init(_ rule: SumRule?) { self.rule = rule }

  /// What a slot is to keep of a value.
  func amount(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isDeleted: Bool) -> UInt64 {
    guard let rule, !isDeleted, covers(key, rule) else { return Slot.noAmount }
    return rule.amount(value) ?? Slot.noAmount
  }

  mutating func add(_ slot: Slot, _ key: UnsafeRawBufferPointer) { change(slot, key, by: 1) }

  mutating func remove(_ slot: Slot, _ key: UnsafeRawBufferPointer) { change(slot, key, by: -1) }

  subscript(prefix: [UInt8]) -> EntrySum { sums.first { $0.prefix == prefix }?.sum ?? EntrySum() }

  private func covers(_ key: UnsafeRawBufferPointer, _ rule: SumRule) -> Bool {
    key.count > rule.prefixCount && key[0] == rule.namespace
  }

  private mutating func change(_ slot: Slot, _ key: UnsafeRawBufferPointer, by step: Int) {
    guard let rule, !slot.isDeleted, covers(key, rule) else { return }
    let at = place(UnsafeRawBufferPointer(rebasing: key[..<rule.prefixCount]))
    if slot.amount != Slot.noAmount {
      sums[at].sum.count += step
      sums[at].sum.amount = step > 0 ? sums[at].sum.amount &+ slot.amount : sums[at].sum.amount &- slot.amount
    }
    if slot.flags & rule.markingFlags != 0 { sums[at].sum.marked += step }
  }

  private mutating func place(_ prefix: UnsafeRawBufferPointer) -> Int {
    if recent < sums.count, sums[recent].prefix.elementsEqual(prefix) { return recent }
    recent = sums.firstIndex { $0.prefix.elementsEqual(prefix) } ?? sums.count
    if recent == sums.count { sums.append((Array(prefix), EntrySum())) }
    return recent
  }
}

extension Store {
  /// The sum over the live entries whose keys begin with `prefix`, which has as many bytes as the rule says. Nil for a
  /// store that was opened without one. Cost: nothing that depends on the number of entries.
  public func sum(prefix: [UInt8]) -> EntrySum? {
    state.withLock { state in state.sums.rule.map { _ in state.sums[prefix] } }
  }
}
