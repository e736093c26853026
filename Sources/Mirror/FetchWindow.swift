internal import SoftadastraCore

/// How many bytes are asked of whom at a time: pure bookkeeping.
///
/// One source gets the whole window: enough for 100 Mbit/s over a round trip of two seconds. Several share it by what
/// they delivered lately, each with a little at least, so that a slow one neither holds back a fast one nor is left out.
struct FetchWindow: Sendable {
  /// Bytes asked for and not answered, over all files of the folder.
  static let maxBytes = 24 << 20
  /// What even the slowest of several sources is asked for at a time: one range.
  static let leastBytes = FetchPlan.maxRangeBytes
  /// What was delivered counts half as much once so much more was.
  private static let memoryBytes = 64 << 20
  /// What a source that delivered nothing yet is taken to have delivered.
  private static let trustBytes = 4 << 20

  private(set) var bytes = 0
  private var asked: [NodeID: Int] = [:]
  private var delivered: [NodeID: Int] = [:]
  private var deliveredInAll = 0

  var hasRoom: Bool { bytes < Self.maxBytes }

  /// The source with the most room, if there is any.
  func next(of sources: [NodeID]) -> NodeID? {
    guard hasRoom else { return nil }
    guard sources.count > 1 else { return sources.first }
    let room = sources.map { ($0, limit($0, of: sources) - (asked[$0] ?? 0)) }
    guard let best = room.max(by: { $0.1 < $1.1 }), best.1 > 0 else { return nil }
    return best.0
  }

  private func limit(_ source: NodeID, of sources: [NodeID]) -> Int {
    let all = sources.reduce(0) { $0 + Self.trustBytes + (delivered[$1] ?? 0) }
    let share = Double(Self.trustBytes + (delivered[source] ?? 0)) / Double(all)
    return max(Self.leastBytes, Int(share * Double(Self.maxBytes)))
  }

  mutating func ask(_ source: NodeID, _ count: Int) {
    bytes += count
    asked[source, default: 0] += count
  }

  /// What was asked for will not come, or not any more.
  mutating func release(_ source: NodeID, _ count: Int) {
    bytes -= count
    let left = (asked[source] ?? 0) - count
    asked[source] = left > 0 ? left : nil
  }

  mutating func deliver(_ source: NodeID, _ count: Int) {
    release(source, count)
    delivered[source, default: 0] += count
    deliveredInAll += count
    guard deliveredInAll > Self.memoryBytes else { return }
    delivered = delivered.mapValues { $0 / 2 }
    deliveredInAll = delivered.values.reduce(0, +)
  }

  mutating func lost(_ source: NodeID) {
    deliveredInAll -= delivered.removeValue(forKey: source) ?? 0
  }
}
