/// Decides, for one connection, whether the next payload is worth compressing.
///
/// Two questions, both answered by measuring. Does the data shrink? Payloads that do not pause it for a stretch of
/// bytes that doubles each time. Is the compressor faster than the link? Only then does the receiver get its bytes
/// sooner. The link's speed shows in how fast a filled queue drains, and only while payloads are sent plain: so
/// every now and then a stretch goes out uncompressed. A link that never has a queue leaves compression on: there the
/// sender, not the link, is the limit.
struct CompressionPolicy: Sendable {
  /// Smaller payloads are sent as they are: the header would eat what is gained.
  static let minPayloadBytes = 256
  /// Worth it below this share of the original size.
  static let usefulRatio = 0.9
  /// The compressor must beat the link by this factor.
  static let requiredAdvantage = 1.2
  static let sampleBytes = 256 << 10
  static let firstSkipBytes = 4 << 20
  static let maxSkipBytes = 64 << 20
  /// Compressed bytes before the link is measured first, the length of that measurement, and the distance to the next.
  static let firstLinkProbeAfterBytes = 8 << 20
  static let linkProbeBytes = 48 << 20
  static let linkProbeEveryBytes = 1 << 30
  /// A drain that moved less says more about socket buffers than about the link.
  static let minDrainBytes = 8 << 20

  private(set) var state: CompressionState
  private let mode: CompressionMode
  /// Decaying sums, so that their quotient follows the data.
  private var sampledPlain = 0.0
  private var sampledPacked = 0.0
  private var compressedBytes = 0.0
  private var compressSeconds = 0.0
  private(set) var linkBytesPerSecond: Double?
  private var skipLeft = 0
  private var nextSkip = firstSkipBytes
  private var untilProbe = firstLinkProbeAfterBytes
  /// The first drain of a measurement still holds what was compressed before it.
  private var drainsToIgnore = 0

  init(mode: CompressionMode) {
    self.mode = mode
    state = mode == .never ? .disabled : mode == .always ? .active : .sampling
  }

  var compressorBytesPerSecond: Double? { compressSeconds > 0 ? compressedBytes / compressSeconds : nil }

  /// Whether to try this payload, that its caller offers for compression.
  mutating func shouldCompress(bytes: Int) -> Bool {
    guard bytes >= Self.minPayloadBytes else { return false }
    switch mode {
    case .never: return false
    case .always: return true
    case .auto: break
    }
    switch state {
    case .sampling, .active:
      untilProbe -= bytes
      if untilProbe > 0 { return true }
      state = .measuringLink
      drainsToIgnore = 1
      skipLeft = Self.linkProbeBytes - bytes
      return false
    case .incompressible, .linkFaster, .measuringLink:
      skipLeft -= bytes
      if skipLeft > 0 { return false }
      if state == .measuringLink { untilProbe = Self.linkProbeEveryBytes }
      state = .sampling
      sampledPlain = 0
      sampledPacked = 0
      return true
    case .disabled: return false
    }
  }

  /// Reports an attempt: `packed` equals `plain` when the payload did not shrink.
  mutating func didCompress(plain: Int, packed: Int, seconds: Double) {
    sampledPlain += Double(plain)
    sampledPacked += Double(packed)
    compressedBytes += Double(plain)
    compressSeconds += seconds
    if compressedBytes > Double(64 << 20) {
      compressedBytes /= 2
      compressSeconds /= 2
    }
    guard mode == .auto, state == .sampling || state == .active, sampledPlain >= Double(Self.sampleBytes) else {
      return
    }
    if sampledPacked > sampledPlain * Self.usefulRatio {
      state = .incompressible
      skipLeft = nextSkip
      nextSkip = min(nextSkip * 2, Self.maxSkipBytes)
    } else {
      state = .active
      nextSkip = Self.firstSkipBytes
      decideByLink()
    }
    sampledPlain /= 2
    sampledPacked /= 2
  }

  /// Reports that a queue that never ran empty moved this many bytes. While compressing it would measure the compressor.
  mutating func didDrain(bytes: Int, seconds: Double) {
    guard mode == .auto, bytes >= Self.minDrainBytes, seconds > 0 else { return }
    switch state {
    case .measuringLink, .linkFaster, .incompressible: break
    case .sampling, .active, .disabled: return
    }
    if state == .measuringLink, drainsToIgnore > 0 {
      drainsToIgnore -= 1
      return
    }
    let rate = Double(bytes) / seconds
    linkBytesPerSecond = linkBytesPerSecond.map { $0 * 0.5 + rate * 0.5 } ?? rate
    if state == .measuringLink { decideByLink() }
  }

  private mutating func decideByLink() {
    guard let link = linkBytesPerSecond, let compressor = compressorBytesPerSecond else { return }
    if compressor < link * Self.requiredAdvantage {
      state = .linkFaster
      skipLeft = Self.linkProbeEveryBytes
    } else if state == .measuringLink {
      state = .active
      untilProbe = Self.linkProbeEveryBytes
    }
  }
}
