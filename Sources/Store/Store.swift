public import SoftadastraCore
internal import SoftadastraWAL
internal import Synchronization

/// An ordered key-value store: the newest entry of each key, and a feed of changes by sequence.
///
/// Commits are applied at once and durable when their ticket completes. All calls may come from any thread; none but
/// those that say so blocks.
public final class Store: Sendable {
  public static let maxKeyBytes = Bounds.maxKeyBytes
  public static let maxValueBytes = Bounds.maxValueBytes

  let state: Mutex<StoreState>
  let time: any TimeSource
  let random: any RandomSource
  let options: StoreOptions
  /// Nil for a store in memory.
  let wal: WriteAheadLog?
  let disk: (any Disk)?
  let callbacks = Mutex<[UInt64: @Sendable (UInt64) -> Void]>([:])
  let maintenance = Maintenance()
  let drawing = Mutex(())

  init(
    state: consuming StoreState, options: StoreOptions, time: any TimeSource, random: any RandomSource,
    wal: WriteAheadLog?, disk: (any Disk)?
  ) {
    self.state = Mutex(state)
    self.options = options
    self.time = time
    self.random = random
    self.wal = wal
    self.disk = disk
  }

  deinit { wal?.closeSoon() }

  public var replica: ReplicaID { state.withLock { $0.replica } }

  // MARK: Reading

  /// The entry of a key, tombstones included: look at `isDeleted`. Cost: at most one read of the disk; none, and half a
  /// microsecond, for what was written or read lately.
  public func get(_ key: [UInt8]) throws(SoftadastraError) -> Entry? {
    enum Found: Sendable {
      case entry(Entry)
      case malformed(UInt64, CodingError)
      case position(WALPosition, tag: UInt64)
    }
    var last: WALPosition?
    while true {
      let found = state.withLock { state -> Found? in
        guard let number = key.withUnsafeBytes({ state.find($0) }) else { return nil }
        let kept = state.cache.with(number) { sequence, payload -> Found in
          let tag = state.cache.isEverything ? state.index.slot(number).pointee.tag : nil
          do throws(CodingError) {
            return .entry(try EntryRecord.entry(key, payload, sequence: sequence, tag: tag))
          } catch { return .malformed(sequence, error) }
        }
        if let kept { return kept }
        let slot = state.index.slot(number).pointee
        return .position(WALPosition(sequence: slot.sequence, offset: slot.offset, length: slot.length), tag: slot.tag)
      }
      switch found {
      case nil: return nil
      case .entry(let entry): return entry
      case .malformed(let sequence, let error): throw malformed(sequence, error)
      case .position(let position, let tag):
        do throws(SoftadastraError) {
          let payload = try readRecord(position)
          cache(key, position.sequence, payload)
          return try decode(payload, position.sequence, tag)
        } catch {
          // A compaction may have moved the record between the two steps; the same place twice is no coincidence.
          guard error.code == .damaged, position != last else { throw error }
          last = position
          wal?.awaitMoves()
        }
      }
    }
  }

  private func readRecord(_ position: WALPosition) throws(SoftadastraError) -> [UInt8] {
    guard let wal else { throw SoftadastraError(.notFound, "read entry", why: "its value is not in memory") }
    return try wal.read(position)
  }

  private func cache(_ key: [UInt8], _ sequence: UInt64, _ payload: [UInt8]) {
    guard payload.count <= ValueCache.maxPayloadBytes else { return }
    state.withLock { state in
      guard let number = state.index.find(key), state.index.slot(number).pointee.sequence == sequence else { return }
      // A record whose tag was replaced since it was written would say the old one.
      guard state.index.slot(number).pointee.tag == EntryRecord.tag(payload) else { return }
      state.cache.insert(number, sequence: sequence, payload)
    }
  }

  private func decode(_ payload: [UInt8], _ sequence: UInt64, _ tag: UInt64) throws(SoftadastraError) -> Entry {
    do throws(CodingError) { return try EntryRecord.decode(payload, sequence: sequence, tag: tag) } catch {
      throw malformed(sequence, error)
    }
  }

  private func malformed(_ sequence: UInt64, _ error: CodingError) -> SoftadastraError {
    SoftadastraError(.damaged, "read entry", at: location, why: "record \(sequence): \(error)", retryable: false)
  }

  /// What the index knows of a key. No I/O; cost: below a microsecond.
  public func summary(_ key: [UInt8]) -> EntrySummary? {
    state.withLock { state in state.index.find(key).map { state.summary($0) } }
  }

  /// The same for many keys at once, in their order: one lock for all.
  public func summaries(_ keys: [[UInt8]]) -> [EntrySummary?] {
    state.withLock { state in keys.map { key in state.index.find(key).map { state.summary($0) } } }
  }

  /// What the store's `SumRule` says of an entry; nil where it says nothing. Cost: one look-up in the index.
  public func amount(of key: [UInt8]) -> UInt64? {
    state.withLock { state in
      let amount = state.index.find(key).map { state.index.slot($0).pointee.amount }
      return amount == Slot.noAmount ? nil : amount
    }
  }

  /// Entries whose key starts with `prefix` and lies behind `after`, in byte order. No I/O.
  public func list(prefix: [UInt8], after: [UInt8]? = nil, limit: Int, includeDeleted: Bool = false)
    -> [(key: [UInt8], summary: EntrySummary)]
  {
    guard limit > 0 else { return [] }
    // The smallest key behind `after` is `after` with a zero appended.
    var start = prefix
    if let after, !after.lexicographicallyPrecedes(prefix) { start = after + [0] }
    return state.withLock { state in
      var out: [(key: [UInt8], summary: EntrySummary)] = []
      out.reserveCapacity(min(limit, state.index.count, Self.listedAtOnce))
      start.withUnsafeBytes { start in
        prefix.withUnsafeBytes { prefix in
          state.index.walk(from: start) { number in
            let key = state.index.keyBytes(number)
            guard key.hasPrefix(prefix) else { return false }
            if includeDeleted || !state.index.slot(number).pointee.isDeleted {
              out.append((Array(key), state.summary(number)))
            }
            return out.count < limit
          }
        }
      }
      return out
    }
  }

  /// A page of more entries grows as it is filled.
  private static let listedAtOnce = 4096

  /// Entries under the prefix that changed behind `since`, up to `upTo` (by default what is durable), in the order of
  /// their sequences; each key at most once, with its newest state. Continue from the page's `through`. What is durable
  /// ends before an entry that was replaced by a commit that is not (`Overwrites`).
  public func changes(prefix: [UInt8], since: UInt64, limit: Int, upTo: UInt64? = nil) -> ChangePage {
    return state.withLock { state in
      var bound = min(upTo ?? durableSequence(state), state.lastSequence)
      var isTruncated = false
      if upTo == nil {
        state.overwrites.settle(bound)
        if let oldest = state.overwrites.oldest(since: since, prefix: prefix), oldest <= bound {
          bound = oldest - 1
          isTruncated = true
        }
      }
      var page = ChangePage(entries: [], through: max(since, bound), isTruncated: isTruncated)
      guard bound > since else { return page }
      var seen = 0
      var last = since
      state.index.walkFeed(since: since) { sequence, number in
        if sequence > bound { return false }
        seen += 1
        let key = state.index.keyBytes(number)
        let matches = prefix.withUnsafeBytes { key.hasPrefix($0) }
        if (matches && page.entries.count >= limit) || seen > Self.maxItemsPerPage {
          page.isTruncated = true
          page.through = last
          return false
        }
        last = sequence
        if matches { page.entries.append((Array(key), state.summary(number))) }
        return true
      }
      return page
    }
  }

  /// Entries of other prefixes that one page passes over at most: the lock is not held longer for it.
  static let maxItemsPerPage = 100_000

  /// Why the log takes nothing any more, until the store is opened again; nil while it does.
  public var logFailure: SoftadastraError? { wal?.permanentFailure }

  /// Overwrites that are kept, at most, until somebody asks what is durable.
  static let overwritesKept = 4096

  public var durableSequence: UInt64 {
    if DeliberateFault.sentBeforeDurable.isOn { return lastSequence }
    return wal?.durableSequence ?? lastSequence
  }

  func durableSequence(_ state: borrowing StoreState) -> UInt64 {
    if DeliberateFault.sentBeforeDurable.isOn { return state.lastSequence }
    return wal?.durableSequence ?? state.lastSequence
  }

  public var lastSequence: UInt64 { state.withLock { $0.lastSequence } }
  /// Live entries, tombstones not counted.
  public var entryCount: Int { state.withLock { $0.index.count - $0.index.deletedCount } }
  public var tombstoneCount: Int { state.withLock { $0.index.deletedCount } }
  /// Bytes that the index occupies in memory.
  public var indexBytes: Int { state.withLock { $0.index.allocatedBytes } }

  /// Calls back after each group that became as durable as promised, from the log's writer thread (in memory: from the
  /// committing one). The callback must be short. Returns the number by which `endChanges` ends that.
  @discardableResult
  public func onChange(_ callback: @escaping @Sendable (_ durableSequence: UInt64) -> Void) -> UInt64 {
    callbacks.withLock { callbacks in
      let number = (callbacks.keys.max() ?? 0) + 1
      callbacks[number] = callback
      return number
    }
  }

  /// A call that has begun may still go on.
  public func endChanges(_ number: UInt64) { callbacks.withLock { $0[number] = nil } }

  func announce(_ sequence: UInt64) {
    for callback in callbacks.withLock({ Array($0.values) }) { callback(sequence) }
  }

  var location: String { wal?.location ?? "memory" }

  /// The log behind the store.
  public var log: StoreLogInfo {
    guard let wal else { return StoreLogInfo(path: "", segments: 0, bytes: 0, lastSequence: lastSequence) }
    return StoreLogInfo(
      path: wal.location, segments: wal.segmentCount, bytes: wal.byteCount, lastSequence: wal.lastSequence,
      damage: wal.damage.map(\.description), tornTail: wal.tornTail.map(\.description))
  }
}
