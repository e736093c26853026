internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraTransport
internal import SoftadastraMirror

/// Small requests of people: static addresses, retries, settings that change while running.
extension NodeCore {
  func addPeerAddress(_ text: String) async throws(SoftadastraError) {
    let address = try PeerAddressText.checked(text)
    try await store.wait(try store.commit([NodeSettings(store: store).peerAddressMutation(address)]))
    addStatic(address)
  }

  /// Forgets a static address; a member stays one until it is revoked.
  func removePeerAddress(_ text: String) async throws(SoftadastraError) {
    let removal = try NodeSettings(store: store).peerAddressRemoval(checking: text)
    try await store.wait(try store.commit([removal]))
    // What the command line or the configuration names stays, too.
    guard let address = PeerAddress(text), !options.peers.value.contains(where: { PeerAddress($0) == address }) else {
      return
    }
    staticAddresses.remove(address)
    dialer.remove(.address(address))
  }

  func retry(_ spellings: [String]) async throws(SoftadastraError) {
    let places = PathFinding(
      folders: folders.values.map {
        WatchedFolder(id: $0.id, path: $0.path, mode: $0.mode.rawValue)
      }
    ).places(spellings)
    var isKnown = false
    for place in places {
      if await folders[place.folder.id]?.mirror.retry(place.path) == true { isKnown = true }
    }
    guard !isKnown else { return }
    throw PathFinding.notFound(
      spellings, places.isEmpty ? "it is in none of the watched folders" : "no watched folder knows of it",
      hint: "softadastra status lists what is blocked")
  }

  func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport] {
    guard let discovery else {
      throw SoftadastraError(
        .closed, "discover", why: "this node runs with discovery off",
        hint: "start it without --no-discovery, or stop it: then 'softadastra discover' listens by itself")
    }
    return await Announcements.heard(by: discovery, besides: nodeID, seconds: seconds, time)
  }

  func reload(_ fresh: NodeOptions) {
    for address in fresh.peers.value where !options.peers.value.contains(address) { addStatic(address) }
    options.peers = fresh.peers
  }
}

/// A peer's address as a person types it.
enum PeerAddressText {
  static func checked(_ text: String) throws(SoftadastraError) -> String {
    guard let address = PeerAddress(text), address.port > 0 else {
      throw SoftadastraError(
        .invalid, "peer address", at: text, why: "it is not HOST:PORT", hint: "for example desk.local:22420")
    }
    return address.description
  }
}
