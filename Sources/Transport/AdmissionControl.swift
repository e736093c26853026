/// Counts incoming connections by their source, so that one host cannot take all places.
struct AdmissionControl {
  private struct Count {
    var unauthenticated = 0
    var all = 0
  }

  private var sources: [String: Count] = [:]
  private var unauthenticated = 0
  private var all = 0
  let options: TransportOptions

  init(options: TransportOptions) { self.options = options }

  /// False when a limit is reached; then nothing is counted.
  mutating func admit(_ source: String) -> Bool {
    var count = sources[source] ?? Count()
    guard unauthenticated < options.maxUnauthenticated, all < options.maxConnections,
      count.unauthenticated < options.maxUnauthenticatedPerSource, count.all < options.maxConnectionsPerSource
    else { return false }
    count.unauthenticated += 1
    count.all += 1
    sources[source] = count
    unauthenticated += 1
    all += 1
    return true
  }

  mutating func authenticated(_ source: String) {
    sources[source]?.unauthenticated -= 1
    unauthenticated -= 1
  }

  mutating func leave(_ source: String, wasAuthenticated: Bool) {
    if !wasAuthenticated { authenticated(source) }
    all -= 1
    sources[source]?.all -= 1
    if sources[source]?.all == 0 { sources[source] = nil }
  }
}
