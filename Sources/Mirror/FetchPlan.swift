internal import SoftadastraCore

/// Which byte ranges of one file are still to be fetched, and from whom: pure bookkeeping.
///
/// Ranges are runs of whole chunks, at most `maxRangeBytes` unless one chunk is larger. A range that fails is asked
/// of another peer; one whose peer goes away returns to the front. Of a chunk whose beginning is probably here only the
/// rest is asked for; where that turns out wrong, all of it.
struct FetchPlan: Sendable {
  static let maxRangeBytes = 1 << 20

  struct Range: Sendable, Hashable {
    let offset: UInt64
    let firstChunk: Int
    let chunkCount: Int
    let length: Int
    /// Bytes of the first chunk that lie before `offset`.
    var prefix = 0
  }

  let manifest: Manifest
  private let offsets: [UInt64]
  private var missing: [Range]
  private(set) var inFlight: [UInt64: (range: Range, peer: NodeID)] = [:]
  /// Peers that said they do not have this version, or sent wrong bytes.
  private(set) var excluded: Set<NodeID> = []
  private(set) var bytesDone: UInt64

  /// - Parameters:
  ///   - present: chunk indices that the staged file holds already.
  ///   - prefixes: of other chunks, how many bytes of their beginning it probably holds.
  init(_ manifest: Manifest, present: Set<Int>, prefixes: [Int: Int] = [:]) {
    self.manifest = manifest
    offsets = manifest.offsets()
    missing = []
    bytesDone = 0
    var index = 0
    while index < manifest.chunks.count {
      if present.contains(index) {
        bytesDone += UInt64(manifest.chunks[index].length)
        index += 1
        continue
      }
      var length = Int(manifest.chunks[index].length)
      var count = 1
      while index + count < manifest.chunks.count, !present.contains(index + count), prefixes[index + count] == nil,
        length + Int(manifest.chunks[index + count].length) <= Self.maxRangeBytes
      {
        length += Int(manifest.chunks[index + count].length)
        count += 1
      }
      let prefix = prefixes[index] ?? 0
      bytesDone += UInt64(prefix)
      missing.append(
        Range(
          offset: offsets[index] + UInt64(prefix), firstChunk: index, chunkCount: count, length: length - prefix,
          prefix: prefix))
      index += count
    }
    missing.reverse()
  }

  /// What was answered and is still being verified and written counts as missing.
  var isComplete: Bool { missing.isEmpty && inFlight.isEmpty && bytesDone == manifest.byteCount }
  var bytesMissing: UInt64 { manifest.byteCount - bytesDone }
  var nextLength: Int? { missing.last?.length }

  func chunks(of range: Range) -> [Manifest.Chunk] {
    Array(manifest.chunks[range.firstChunk..<range.firstChunk + range.chunkCount])
  }

  mutating func take(request: UInt64, from peer: NodeID) -> Range? {
    guard let range = missing.popLast() else { return nil }
    inFlight[request] = (range, peer)
    return range
  }

  /// The range of an answered request; it counts once `completed`. Nil if somebody else was asked.
  mutating func answered(_ request: UInt64, by peer: NodeID) -> Range? {
    guard inFlight[request]?.peer == peer else { return nil }
    return inFlight.removeValue(forKey: request)?.range
  }

  mutating func completed(_ range: Range) { bytesDone += UInt64(range.length) }

  mutating func failed(_ range: Range, excluding peer: NodeID?) {
    missing.append(range)
    if let peer { excluded.insert(peer) }
  }

  /// What was taken for the beginning of its first chunk is something else.
  mutating func failedPrefix(_ range: Range) {
    bytesDone -= UInt64(range.prefix)
    missing.append(
      Range(
        offset: range.offset - UInt64(range.prefix), firstChunk: range.firstChunk, chunkCount: range.chunkCount,
        length: range.length + range.prefix))
  }

  mutating func peerLost(_ peer: NodeID) {
    for (request, flight) in inFlight where flight.peer == peer {
      inFlight[request] = nil
      missing.append(flight.range)
    }
    excluded.remove(peer)
  }

  mutating func forgiveAll() { excluded.removeAll() }
}
