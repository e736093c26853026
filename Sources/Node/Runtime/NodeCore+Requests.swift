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
  func removePeer(_ text: String) async throws(SoftadastraError) {
    let settings = NodeSettings(store: store)
    guard settings.peerAddresses().contains(text), let address = PeerAddress(text) else {
      throw SoftadastraError(
        .notFound, "peer", at: text, why: "there is no such address", hint: "softadastra peers lists what is known")
    }
    try await store.wait(try store.commit([settings.peerAddressRemoval(text)]))
    staticAddresses.remove(address)
    dialer.remove(.address(address))
  }

  func retry(_ text: String) async throws(SoftadastraError) {
    for folder in folders.values {
      let prefix = folder.path + "/"
      let relative = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
      if text.hasPrefix("/"), relative == text, text != folder.path { continue }
      await folder.mirror.retry(text == folder.path ? .root : BytePath(relative))
      return
    }
    throw SoftadastraError(.notFound, "path", at: text, why: "it is in none of the watched folders")
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
