internal import Synchronization

/// Hands each event to everybody who listens. A listener that does not keep up loses the oldest, never holds the node.
final class EventBroadcaster: Sendable {
  static let maxQueuedEvents = 10_000

  private let state = Mutex((next: 0, listeners: [Int: AsyncStream<NodeEvent>.Continuation]()))

  func subscribe() -> AsyncStream<NodeEvent> {
    let (stream, continuation) = AsyncStream<NodeEvent>.makeStream(
      bufferingPolicy: .bufferingNewest(Self.maxQueuedEvents))
    let id = state.withLock { state in
      state.next += 1
      state.listeners[state.next] = continuation
      return state.next
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
    return stream
  }

  var isHeard: Bool { state.withLock { !$0.listeners.isEmpty } }

  func send(_ event: NodeEvent) {
    let listeners = state.withLock { Array($0.listeners.values) }
    for listener in listeners { listener.yield(event) }
  }

  func finish() {
    let listeners = state.withLock { Array($0.listeners.values) }
    for listener in listeners { listener.finish() }
  }
}
