internal import SoftadastraCore
internal import Synchronization

/// What one look at a part of the index found.
public struct TombstonePage: Sendable {
  public var entries: [(key: [UInt8], summary: EntrySummary)] = []
  /// The highest counter of this store's replica among the durable entries looked at that have no flags.
  public var ownCounter: UInt64 = 0
  /// Continue behind this key; nil at the end.
  public var next: [UInt8]?
}

extension Store {
  /// Entries looked at under one lock.
  private static let examinedPerPage = 32_768
  private static let tombstonesPerPage = 1024

  /// The tombstones under the prefix behind `after`. No I/O. Cost: a walk over the live entries in between.
  public func tombstones(prefix: [UInt8], after: [UInt8]? = nil) -> TombstonePage {
    let start = after.map { $0 + [0] } ?? prefix
    let durable = durableSequence
    return state.withLock { state in
      var page = TombstonePage()
      var examined = 0
      start.withUnsafeBytes { start in
        state.index.walk(from: start) { number in
          let key = state.index.keyBytes(number)
          guard key.starts(with: prefix) else { return false }
          let summary = state.summary(number)
          if let dot = summary.dot, dot.replica == state.replica, summary.flags == 0, summary.sequence <= durable {
            page.ownCounter = max(page.ownCounter, dot.counter)
          }
          if summary.isDeleted, summary.dot != nil { page.entries.append((Array(key), summary)) }
          examined += 1
          guard examined < Self.examinedPerPage, page.entries.count < Self.tombstonesPerPage else {
            page.next = Array(key)
            return false
          }
          return true
        }
      }
      return page
    }
  }

  /// The log's position of the newest tombstone written since the store was opened; 0 if there was none.
  public var lastTombstoneSequence: UInt64 { state.withLock { $0.lastTombstoneSequence } }
}
