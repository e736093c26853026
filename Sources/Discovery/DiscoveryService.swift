internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
public import SoftadastraCore
internal import SoftadastraTransport
internal import Synchronization

/// Finds nodes on the local links by UDP multicast and broadcast. It never connects, and what it reports is a hint.
///
/// A node announces itself at intervals, and probes when it starts, when the network changes and while it looks for
/// someone; a probe is answered at once. Packets can be read only with a key that the listener has: the group's, or an
/// open invite's. Works without IPv6, without a default route, and with nothing but a loopback interface.
///
/// Events arrive on one thread of its own; the handler must not block.
public final class DiscoveryService: Sendable {
  static let multicastV4 = "239.255.83.68"
  static let multicastV6 = "ff02::5346:4453"
  /// Answers to all, apart from the one to the asker, and probes are at least this far apart.
  static let minMulticastInterval: Duration = .milliseconds(200)
  static let firstSearchDelay: Duration = .seconds(1)
  /// A change of interfaces comes in many steps.
  static let changeDelay: Duration = .milliseconds(100)
  /// Interfaces are looked at this often although the kernel told of no change.
  static let maxLookAge: Duration = .seconds(60)
  static let maxSearchDelay: Duration = .seconds(60)
  /// A new IPv6 address cannot send for its first seconds, and no event tells when it can.
  static let maxSendRetries = 3

  let options: DiscoveryOptions
  let time: any TimeSource
  let random: any RandomSource
  let logger: Logger
  let onEvent: @Sendable (DiscoveryEvent) -> Void
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let state: Mutex<State>

  struct State {
    enum Life {
      case idle
      case running
      case stopped
    }

    var life = Life.idle
    var identity: DiscoveryIdentity
    var keys: [DiscoveryKey]
    var registry = DiscoveryRegistry()
    var limiter = SourceLimiter()
    var salts = RecentSalts()
    var interfaces: [NetworkInterface] = []
    var listeners: [DatagramSocket] = []
    var senders: [NetworkInterface: DatagramSocket] = [:]
    var nextAnnounce: UInt64 = 0
    var lastMulticastReply: UInt64 = 0
    var lastProbe: UInt64 = 0
    var isProbePending = false
    /// Looks at the network at which an unsent packet is followed by another probe; renewed by a change of interfaces.
    var retriesLeft = DiscoveryService.maxSendRetries
    var hasUnsent = false
    /// Nil where the kernel does not tell of changes.
    var watch: InterfaceWatch?
    var hasUnopened = false
    /// Of the tick that was scheduled last: an older one does nothing.
    var tickNumber: UInt64 = 0
    var isTickWaiting = false
    /// The kernel told of a change, and the look at the interfaces has not begun.
    var mustLook = false
    var lookedAt: UInt64 = 0
    var isSearching = false
    var nextSearch: UInt64 = 0
    var searchDelay: UInt64 = 0

    /// The next look must not wait for the kernel to tell.
    var isRestless: Bool { watch == nil || hasUnopened || (hasUnsent && retriesLeft > 0) }

    /// True if a tick was waiting: the caller schedules another in its place. One that is under way schedules the next
    /// itself.
    mutating func withdrawTick() -> Bool {
      defer { isTickWaiting = false }
      return isTickWaiting
    }
  }

  /// - Parameter discoveryKey: the group's 32 bytes.
  public init(
    options: DiscoveryOptions = DiscoveryOptions(), identity: DiscoveryIdentity, discoveryKey: [UInt8],
    time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom(), logger: Logger,
    onEvent: @escaping @Sendable (DiscoveryEvent) -> Void
  ) {
    self.options = options
    self.time = time
    self.random = random
    self.logger = logger
    self.onEvent = onEvent
    state = Mutex(State(identity: identity, keys: [DiscoveryKey(discoveryKey)]))
  }

  /// Opens the sockets, announces and probes. Fails with `.conflict` when another program holds the port for itself. An
  /// interface that cannot be used is left out.
  public func start() async throws(SoftadastraError) {
    let isFirst = state.withLock { state in
      defer { if state.life == .idle { state.life = .running } }
      return state.life == .idle
    }
    guard isFirst else {
      throw SoftadastraError(.conflict, "start discovery", why: "it was started before")
    }
    var listeners: [DatagramSocket] = []
    var failure: SoftadastraError?
    for family in options.usesIPv6 ? [DatagramSocket.Family.v4, .v6] : [.v4] {
      do throws(SoftadastraError) {
        listeners.append(try await open(family, port: options.port))
      } catch {
        failure = failure ?? error
      }
    }
    if listeners.isEmpty, let failure {
      await stop()
      throw failure
    }
    state.withLock { $0.listeners = listeners }
    await watchInterfaces()
    await refreshInterfaces()
    probe()
    scheduleTick()
  }

  /// Says goodbye and closes the sockets. It cannot be started again.
  public func stop() async {
    let wasStopped = state.withLock { state in
      if state.life == .stopped { return true }
      if state.life == .running, options.announces { broadcast(.bye, &state) }
      state.life = .stopped
      // Under the lock, as every use of a socket is.
      for socket in state.listeners + Array(state.senders.values) { socket.close() }
      state.listeners = []
      state.senders = [:]
      return false
    }
    guard !wasStopped else { return }
    state.withLock { $0.watch.take() }?.close()
    try? await group.shutdownGracefully()
  }

  /// Asks everyone to announce themselves, now. Calls in quick succession are joined: the last of them is answered by a
  /// probe a fraction of a second later.
  public func probe() {
    let now = time.monotonicNanoseconds()
    let delay = state.withLock { state -> UInt64? in
      guard state.life == .running, !state.isProbePending else { return nil }
      let elapsed = now &- state.lastProbe
      if state.lastProbe > 0, elapsed < Self.nanoseconds(Self.minMulticastInterval) {
        state.isProbePending = true
        return Self.nanoseconds(Self.minMulticastInterval) - elapsed
      }
      state.lastProbe = now
      broadcast(.probe, &state)
      return nil
    }
    guard let delay else { return }
    group.next().scheduleTask(in: .nanoseconds(Int64(clamping: delay))) { [weak self] in
      guard let self else { return }
      self.state.withLock { $0.isProbePending = false }
      self.probe()
    }
  }

  /// While on, probes go out with growing distance, up to a minute: some member or inviter is not connected.
  public func setSearching(_ isSearching: Bool) {
    let now = time.monotonicNanoseconds()
    let mustHurry = state.withLock { state in
      guard state.isSearching != isSearching else { return false }
      state.isSearching = isSearching
      state.searchDelay = Self.nanoseconds(Self.firstSearchDelay)
      state.nextSearch = now &+ state.searchDelay
      return isSearching && state.withdrawTick()
    }
    if mustHurry { scheduleTick() }
    if isSearching { probe() }
  }

  /// Replaces all keys: the group's, and those of open invites or of the invite that is being redeemed
  /// (`DiscoveryKey.forInvite`). Announcements use the first; probes go out under each of them, and are answered under
  /// the key that they used. At most `DiscoveryOptions.maxAdditionalKeys`; the rest is ignored.
  public func setKeys(primary: [UInt8], additional: [[UInt8]] = []) {
    let keys = ([primary] + additional.prefix(DiscoveryOptions.maxAdditionalKeys)).map(DiscoveryKey.init)
    let isNew = state.withLock { state in
      defer { state.keys = keys }
      return state.keys.map(\.bytes) != keys.map(\.bytes)
    }
    if isNew { announce() }
    if isNew { probe() }
  }

  /// Replaces the group's key, and keeps the others.
  public func updateKey(_ primary: [UInt8]) {
    setKeys(primary: primary, additional: state.withLock { $0.keys.dropFirst().map(\.bytes) })
  }

  /// Announces another port or nonce from now on.
  public func updateIdentity(_ identity: DiscoveryIdentity) {
    state.withLock { $0.identity = identity }
    announce()
  }

  /// Announces now.
  public func announce() {
    state.withLock { state in
      if state.life == .running, options.announces { broadcast(.announce, &state) }
    }
  }

  public var peers: [DiscoveredPeer] { state.withLock { $0.registry.peers } }

  static func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(max(0, duration / .nanoseconds(1))) }
}
