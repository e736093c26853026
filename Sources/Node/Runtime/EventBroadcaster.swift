internal import SoftadastraMirror
internal import Synchronization

/// Hands each event to everybody who listens. A listener that does not keep up loses the oldest, never holds the node.
///
/// A burst raises one event for each file: a listener is woken once and takes all that has come by then, and only then
/// the events get their texts.
final class EventBroadcaster: Sendable {
  /// More than a folder records behind one barrier.
  static let maxQueuedEvents = 32_768

  private enum Item {
    case node(NodeEvent)
    case mirror(MirrorEvent, folder: String)

    var event: NodeEvent {
      switch self {
      case .node(let event): event
      case .mirror(let event, let folder): NodeEvent(event, folder: folder)
      }
    }
  }

  private final class Listener: Sendable {
    private let queued = Mutex<[Item]>([])
    let wakes: AsyncStream<Void>.Continuation

    init(_ wakes: AsyncStream<Void>.Continuation) { self.wakes = wakes }

    func add(_ item: Item) {
      let isFirst = queued.withLock { queued in
        // Twice as many at times, so that the oldest go in one step.
        if queued.count == 2 * maxQueuedEvents { queued.removeFirst(maxQueuedEvents) }
        queued.append(item)
        return queued.count == 1
      }
      if isFirst { wakes.yield() }
    }

    func take() -> [NodeEvent] {
      let taken = queued.withLock { queued in
        defer { queued = [] }
        return queued
      }
      return taken.suffix(maxQueuedEvents).map(\.event)
    }
  }

  private let state = Mutex((next: 0, listeners: [Int: Listener]()))

  /// What has happened since the last time, in order. Begins with what happens after this call.
  func subscribe() -> some AsyncSequence<[NodeEvent], Never> & Sendable {
    let (wakes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let listener = Listener(continuation)
    let id = state.withLock { state in
      state.next += 1
      state.listeners[state.next] = listener
      return state.next
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
    return wakes.map { listener.take() }
  }

  func send(_ event: NodeEvent) { add(.node(event)) }

  func send(_ event: MirrorEvent, folder: String) { add(.mirror(event, folder: folder)) }

  private func add(_ item: Item) {
    for listener in state.withLock({ $0.listeners }).values { listener.add(item) }
  }

  func finish() {
    for listener in state.withLock({ $0.listeners }).values { listener.wakes.finish() }
  }
}
