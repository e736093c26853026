/// Decides, for one connection, whether the next payload is worth compressing, and how hard.
///
/// Three questions, all answered by measuring while there is always more to send:
/// - Does the data shrink? Payloads that do not pause it for a stretch of bytes that doubles each time.
/// - Does the compressor cost time? It does if it works for a good part of it. Then a stretch goes out plain, and what
///   moves more plain bytes a second stays. A link that is the limit is never slowed by that.
/// - Is the link so slow that the compressor mostly waits for it? Then it compresses harder: the same format, two thirds
///   of the bytes, six times the work.
///
/// Measured is what the receiver takes in: links, both ends' processors and disks are all part of it.
struct CompressionPolicy: Sendable {
  enum Effort: Sendable { case none, fast, strong }

  /// Smaller payloads are sent as they are: the header would eat what is gained.
  static let minPayloadBytes = 256
  /// Worth it below this share of the original size.
  static let usefulRatio = 0.9
  static let sampleBytes = 256 << 10
  static let firstSkipBytes = 4 << 20
  static let maxSkipBytes = 64 << 20

  /// How much a receiver asks for ahead: what leaves right after a change of effort says nothing of it.
  static let settleBytes = 24 << 20
  static let measuredBytes = 16 << 20
  /// Compressing fast costs time if it takes more of it than this; below `strongShare` compressing hard costs none.
  static let costlyShare = 0.25
  static let strongShare = 0.125
  /// What tells so.
  static let strongAfterBytes = 2 << 20
  /// Compressing hard was too much if it takes more of the time than this.
  static let tooStrongShare = 0.75
  /// A queue fills in a burst and then drains for a part of a second: what tells takes several of these.
  static let strongSeconds = 1.5
  /// Sending plain must win by this factor.
  static let plainAdvantage = 1.1
  /// Until what was decided is looked at again; doubles each time.
  static let firstReviewBytes = 1 << 30
  static let maxReviewBytes = 16 << 30
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

  private var throughput = Throughput()
  private var isSettled = false
  private var compressedRate = 0.0
  private var untilReview = 0
  private var nextReview = firstReviewBytes
  private var untilStrong = 0

  init(mode: CompressionMode) {
    self.mode = mode
    state = mode == .never ? .disabled : mode == .always ? .active : .sampling
  }

  /// Plain bytes a second, at the effort that was last used.
  var compressorBytesPerSecond: Double? { compressSeconds > 0 ? compressedBytes / compressSeconds : nil }

  /// What to do with this payload, that its caller offers for compression.
  ///
  /// - Parameters:
  ///   - now: seconds of any clock that goes on evenly.
  ///   - isIdle: nothing is left of what was sent before.
  mutating func effort(bytes: Int, at now: Double, isIdle: Bool) -> Effort {
    guard bytes >= Self.minPayloadBytes else { return .none }
    switch mode {
    case .never: return .none
    case .always: return .fast
    case .auto: break
    }
    throughput.offered(bytes, at: now, isIdle: isIdle)
    untilReview -= bytes
    untilStrong -= bytes
    review(at: now)
    switch state {
    case .sampling, .active: return .fast
    case .strong: return .strong
    case .measuringLink: return .none
    case .incompressible, .linkFaster:
      skipLeft -= bytes
      if skipLeft > 0 { return .none }
      sampledPlain = 0
      sampledPacked = 0
      enter(.sampling, at: now)
      return .fast
    case .disabled: return .none
    }
  }

  /// Reports an attempt: `packed` equals `plain` when the payload did not shrink.
  mutating func didCompress(plain: Int, packed: Int, seconds: Double) {
    throughput.compressed(seconds: seconds)
    sampledPlain += Double(plain)
    sampledPacked += Double(packed)
    compressedBytes += Double(plain)
    compressSeconds += seconds
    if compressedBytes > Double(64 << 20) {
      compressedBytes /= 2
      compressSeconds /= 2
    }
    guard mode == .auto, state == .sampling || state == .active || state == .strong,
      sampledPlain >= Double(Self.sampleBytes)
    else { return }
    if sampledPacked > sampledPlain * Self.usefulRatio {
      state = .incompressible
      skipLeft = nextSkip
      nextSkip = min(nextSkip * 2, Self.maxSkipBytes)
    } else {
      if state == .sampling { state = .active }
      nextSkip = Self.firstSkipBytes
    }
    sampledPlain /= 2
    sampledPacked /= 2
  }

  /// Reports that a queue that never ran empty moved this many bytes, as they travel.
  mutating func didDrain(bytes: Int, seconds: Double) {
    guard bytes >= Self.minDrainBytes, seconds > 0 else { return }
    let rate = Double(bytes) / seconds
    linkBytesPerSecond = linkBytesPerSecond.map { $0 * 0.5 + rate * 0.5 } ?? rate
  }

  private mutating func enter(_ next: CompressionState, at now: Double) {
    state = next
    isSettled = false
    throughput.restart(at: now)
    compressedBytes = 0
    compressSeconds = 0
  }

  /// Whether what was measured asks for another effort.
  private mutating func review(at now: Double) {
    if state == .active, untilStrong <= 0, throughput.bytes >= Self.strongAfterBytes,
      throughput.compressorShare < Self.strongShare
    {
      return enter(.strong, at: now)
    }
    guard state == .active || state == .strong || state == .measuringLink else { return }
    if !isSettled {
      guard throughput.bytes >= Self.settleBytes else { return }
      isSettled = true
      return throughput.restart(at: now)
    }
    guard throughput.bytes >= Self.measuredBytes else { return }
    switch state {
    case .strong where throughput.seconds < Self.strongSeconds: break
    case .strong where throughput.compressorShare > Self.tooStrongShare:
      untilStrong = postponed()
      enter(.active, at: now)
    case .active where untilReview <= 0 && throughput.compressorShare > Self.costlyShare:
      compressedRate = throughput.bytesPerSecond
      enter(.measuringLink, at: now)
    case .measuringLink:
      let isFaster = throughput.bytesPerSecond > compressedRate * Self.plainAdvantage
      untilReview = postponed()
      skipLeft = untilReview
      enter(isFaster ? .linkFaster : .active, at: now)
    default: throughput.restart(at: now)
    }
  }

  private mutating func postponed() -> Int {
    defer { nextReview = min(nextReview * 2, Self.maxReviewBytes) }
    return nextReview
  }
}
