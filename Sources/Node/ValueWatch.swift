internal import SoftadastraStore
internal import SoftadastraSync

/// Follows the key-value space through the store's feed.
///
/// It is asked for the next report and holds one page, so that who reads slowly costs nothing and misses nothing: of a key
/// that changed several times meanwhile it is told the last value.
actor ValueWatch {
  private static let pageEntries = 256

  private let store: Store
  private let prefix: [UInt8]
  private let values: ValueOperations
  private var since: UInt64
  /// The rest of a page, the next at the end.
  private var page: [ValueReport] = []
  /// One element says that something has changed since it was taken.
  private let changes: AsyncStream<Void>
  private let number: UInt64

  static func stream(_ store: Store, prefix: [UInt8], _ values: ValueOperations) -> AsyncStream<ValueReport> {
    let watch = ValueWatch(store, prefix, values)
    return AsyncStream(unfolding: { await watch.next() })
  }

  private init(_ store: Store, _ prefix: [UInt8], _ values: ValueOperations) {
    let (changes, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.store = store
    self.prefix = prefix
    self.values = values
    self.changes = changes
    since = store.durableSequence
    number = store.onChange { _ in bell.yield() }
  }

  deinit { store.endChanges(number) }

  /// Nil once the reader's task is cancelled.
  private func next() async -> ValueReport? {
    while true {
      if let report = page.popLast() { return report }
      if turnPage() { continue }
      guard await isRung() else { return nil }
    }
  }

  /// False if the feed has nothing behind what was told.
  private func turnPage() -> Bool {
    let feed = store.changes(prefix: StoreKey.value(prefix), since: since, limit: Self.pageEntries)
    guard feed.through > since else { return false }
    since = feed.through
    page = feed.entries.reversed().map { key, summary in
      values.report(Array(key.dropFirst()), size: summary.valueCount, summary.isDeleted ? nil : summary.dot, nil)
    }
    return true
  }

  private func isRung() async -> Bool {
    for await _ in changes { return true }
    return false
  }
}
