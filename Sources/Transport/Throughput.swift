/// How fast payloads leave while there are always more of them: pure bookkeeping over times its owner tells.
///
/// A stretch ends when nothing was offered for a while and nothing is left to be sent: what passes then says how little
/// there was to do, not how fast it went.
struct Throughput: Sendable {
  static let maxPauseSeconds = 0.1

  private var begin: Double?
  private var last = 0.0
  private(set) var bytes = 0
  private(set) var compressSeconds = 0.0

  /// - Parameter isIdle: everything offered before has been sent.
  mutating func offered(_ count: Int, at now: Double, isIdle: Bool) {
    if begin == nil || isIdle && now - last > Self.maxPauseSeconds { restart(at: now) }
    last = now
    bytes += count
  }

  mutating func compressed(seconds: Double) { compressSeconds += seconds }

  mutating func restart(at now: Double) {
    begin = now
    bytes = 0
    compressSeconds = 0
  }

  var seconds: Double { begin.map { max(last - $0, 1e-6) } ?? 0 }
  var bytesPerSecond: Double { seconds > 0 ? Double(bytes) / seconds : 0 }
  /// The part of the time that the compressor took.
  var compressorShare: Double { seconds > 0 ? compressSeconds / seconds : 1 }
}
