internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import SoftadastraCore
internal import Synchronization

// Looking after the clock and the interfaces.
extension DiscoveryService {
  func scheduleTick() {
    let scheduled = state.withLock { state -> (pause: UInt64, number: UInt64)? in
      guard state.life == .running else { return nil }
      let now = time.monotonicNanoseconds()
      var pause = options.checkInterval
      if state.isRestless { pause = min(pause, options.restlessInterval) }
      if state.mustLook { pause = min(pause, Self.changeDelay) }
      var next = now &+ Self.nanoseconds(pause)
      if options.announces { next = min(next, state.nextAnnounce) }
      if state.isSearching { next = min(next, state.nextSearch) }
      state.tickNumber += 1
      state.isTickWaiting = true
      return (next > now ? next - now : 0, state.tickNumber)
    }
    guard let (pause, number) = scheduled else { return }
    group.next().scheduleTask(in: .nanoseconds(Int64(clamping: max(pause, 1_000_000)))) { [weak self] in
      guard let self else { return }
      switch self.beginTick(number) {
      case .replaced: break
      case .plain: self.tick()
      case .look(let wasTold):
        Task.detached {
          if wasTold { self.onEvent(.addressesChanged) }
          await self.watchInterfaces()
          await self.refreshInterfaces()
          self.tick()
        }
      }
    }
  }

  private enum Tick {
    /// Another one took its place.
    case replaced
    case plain
    /// With a look at the interfaces first.
    case look(wasTold: Bool)
  }

  private func beginTick(_ number: UInt64) -> Tick {
    let now = time.monotonicNanoseconds()
    return state.withLock { state in
      guard state.isTickWaiting, state.tickNumber == number else { return .replaced }
      state.isTickWaiting = false
      let isOld = now &- state.lookedAt >= Self.nanoseconds(Self.maxLookAge)
      let wasTold = state.mustLook
      guard wasTold || state.isRestless || isOld else { return .plain }
      state.mustLook = false
      state.lookedAt = now
      return .look(wasTold: wasTold)
    }
  }

  /// Once more where the kernel stopped telling.
  func watchInterfaces() async {
    guard state.withLock({ $0.watch == nil && $0.life == .running }) else { return }
    let watch: InterfaceWatch
    do {
      watch = try await InterfaceWatch.start(
        on: group, onChange: { [weak self] in self?.lookSoon() },
        onEnd: { [weak self] in self?.state.withLock { $0.watch = nil } })
    } catch {
      logger.debug("interfaces are looked at from time to time: \(error)")
      return
    }
    state.withLock { state in
      if state.life == .running { state.watch = watch } else { watch.close() }
    }
  }

  /// Once for all that change within a moment.
  private func lookSoon() {
    let takesPlace = state.withLock { state in
      if state.mustLook { return false }
      state.mustLook = true
      return state.withdrawTick()
    }
    if takesPlace { scheduleTick() }
  }

  private func tick() {
    let now = time.monotonicNanoseconds()
    let (events, search) = state.withLock { state -> ([DiscoveryEvent], Bool) in
      guard state.life == .running else { return ([], false) }
      if options.announces, state.nextAnnounce <= now {
        if state.nextAnnounce > 0 { broadcast(.announce, &state) }
        // A tenth of jitter: nodes started together drift apart.
        let interval = Self.nanoseconds(options.announceInterval)
        state.nextAnnounce = now &+ interval - interval / 20 + random.next() % (interval / 10 + 1)
      }
      var search = state.hasUnsent && state.retriesLeft > 0
      if search { state.retriesLeft -= 1 }
      state.hasUnsent = false
      if state.isSearching, state.nextSearch <= now {
        search = true
        state.searchDelay = min(state.searchDelay * 2, Self.nanoseconds(Self.maxSearchDelay))
        state.nextSearch = now &+ state.searchDelay
      }
      return (state.registry.sweep(now: now), search)
    }
    if search { probe() }
    for event in events { onEvent(event) }
    scheduleTick()
  }

  /// Opens and closes the sockets of interfaces that came and went. A change is announced and probed at once.
  func refreshInterfaces() async {
    let found = NetworkInterface.all(limit: DiscoveryOptions.maxInterfaces).filter { interface in
      if case .v6 = interface.address, !options.usesIPv6 { return false }
      return options.interfaces?.contains(interface.name) ?? true
    }
    let (isRunning, isFirst, known) = state.withLock { ($0.life == .running, $0.interfaces.isEmpty, $0.interfaces) }
    guard isRunning, found != known else { return state.withLock { $0.hasUnopened = false } }
    var opened: [NetworkInterface: DatagramSocket] = [:]
    for interface in found where !known.contains(interface) {
      switch interface.address {
      case .v4(let address, _): opened[interface] = try? await open(.v4, port: 0, address: address)
      case .v6: opened[interface] = try? await open(.v6, port: 0)
      }
    }
    let hasChanged = state.withLock { state in
      guard state.life == .running else {
        for socket in opened.values { socket.close() }
        return false
      }
      let gone = known.filter { !found.contains($0) }
      for interface in gone { state.senders.removeValue(forKey: interface)?.close() }
      state.senders.merge(opened) { $1 }
      // One that failed to open is tried again at the next look.
      state.interfaces = found.filter { state.senders[$0] != nil }
      state.hasUnopened = state.interfaces.count < found.count
      join(found, state)
      let hasChanged = !opened.isEmpty || !gone.isEmpty
      if hasChanged { state.retriesLeft = Self.maxSendRetries }
      return hasChanged
    }
    guard hasChanged, !isFirst else { return }
    announce()
    probe()
    onEvent(.networkChanged)
  }

  private func join(_ interfaces: [NetworkInterface], _ state: State) {
    for socket in state.listeners {
      for interface in interfaces {
        switch (interface.address, socket.family) {
        case (.v4, .v4): socket.joinV4(inet_addr(Self.multicastV4), interface: interface.index)
        case (.v6, .v6): socket.joinV6(Self.groupV6, interface: interface.index)
        case (.v4, .v6), (.v6, .v4): break
        }
      }
    }
  }
}
