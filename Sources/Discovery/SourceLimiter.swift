/// Token buckets a source: a flood from one address costs its own packets, not everyone's.
struct SourceLimiter {
  static let packetsPerSecond = 50.0
  static let burst = 200.0
  static let maxSources = 1024

  private struct Bucket {
    var tokens: Double
    var at: UInt64
  }

  private var buckets: [String: Bucket] = [:]

  mutating func allows(_ source: String, now: UInt64) -> Bool {
    var bucket = buckets[source] ?? Bucket(tokens: Self.burst, at: now)
    if now > bucket.at {
      bucket.tokens = min(Self.burst, bucket.tokens + Double(now - bucket.at) / 1e9 * Self.packetsPerSecond)
      bucket.at = now
    }
    let allowed = bucket.tokens >= 1
    if allowed { bucket.tokens -= 1 }
    if buckets[source] == nil, buckets.count >= Self.maxSources { makeRoom(now) }
    buckets[source] = bucket
    return allowed
  }

  /// Sources that have been quiet go first; with forged ones by the thousand, all start afresh.
  private mutating func makeRoom(_ now: UInt64) {
    let refill = UInt64(Self.burst / Self.packetsPerSecond * 1e9)
    buckets = buckets.filter { now < $0.value.at || now - $0.value.at < refill }
    if buckets.count >= Self.maxSources { buckets.removeAll() }
  }
}

/// The salts seen last: the copies of one packet that arrive on several ways count once.
struct RecentSalts {
  static let capacity = 512
  private var order: [[UInt8]] = []
  private var known: Set<[UInt8]> = []
  private var next = 0

  mutating func insert(_ salt: [UInt8]) -> Bool {
    guard known.insert(salt).inserted else { return false }
    if order.count < Self.capacity {
      order.append(salt)
    } else {
      known.remove(order[next])
      order[next] = salt
      next = (next + 1) % Self.capacity
    }
    return true
  }
}
