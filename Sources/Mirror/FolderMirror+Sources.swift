public import SoftadastraCore

/// Whom content can be asked for: peers come and go.
extension FolderMirror {
  /// - Parameter session: grows with every connection to the peer. What is told of one that has ended already, or
  ///   was replaced, comes too late to count.
  public func peerConnected(_ peer: NodeID, replica: ReplicaID, session: UInt64) {
    guard session > endedSessions[peer] ?? 0, session > sessions[peer] ?? 0 else { return }
    if sessions[peer] != nil { lost(peer) }
    completeFeeds.remove(peer)
    sessions[peer] = session
    replicas[peer] = replica
    sources.append(peer)
    for key in fetches.keys { fetches[key]!.plan.forgiveAll() }
    for item in pending.all {
      if case .blocked(let error, _, _) = item.state, error.code == .network {
        pending.requeue(item.path, item.entry.version.dot)
      }
    }
    applySignal.raise()
    requestMore()
  }

  public func peerDisconnected(_ peer: NodeID, session: UInt64) {
    endedSessions[peer] = max(session, endedSessions[peer] ?? 0)
    guard let current = sessions[peer], current <= session else { return }
    sessions[peer] = nil
    lost(peer)
    requestMore()
  }

  private func lost(_ peer: NodeID) {
    if DeliberateFault.deadSessionKept.isOn { return }
    sources.removeAll { $0 == peer }
    if sources.isEmpty { recentContent.removeAll() }
    window.lost(peer)
    for (request, key) in requests {
      guard let flight = fetches[key]?.plan.inFlight[request], flight.peer == peer else { continue }
      requests[request] = nil
      window.release(flight.peer, flight.range.length)
    }
    for key in fetches.keys { fetches[key]!.plan.peerLost(peer) }
  }
}
