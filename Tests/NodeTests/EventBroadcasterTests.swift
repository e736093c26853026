import Testing

@testable import SoftadastraNode

@Suite struct EventBroadcasterTests {
  private func number(_ event: NodeEvent) -> Int? { Int(event.event) }

  @Test func everyListenerGetsEverythingInOrder() async {
    let broadcaster = EventBroadcaster()
    let listeners = (0..<3).map { _ in broadcaster.subscribe() }
    let tasks = listeners.map { listener in
      Task {
        var got: [Int] = []
        for await batch in listener { got += batch.compactMap(number) }
        return got
      }
    }
    for number in 0..<5000 {
      broadcaster.send(NodeEvent("\(number)"))
      if number % 500 == 0 { await Task.yield() }
    }
    broadcaster.finish()
    for task in tasks {
      let isComplete = await task.value == Array(0..<5000)
      #expect(isComplete)
    }
  }

  /// The newest are kept, and what comes later wakes the listener again.
  @Test func whoDoesNotListenLosesTheOldest() async {
    let broadcaster = EventBroadcaster()
    let listener = broadcaster.subscribe()
    let most = EventBroadcaster.maxQueuedEvents
    for number in 0..<5 * most { broadcaster.send(NodeEvent("\(number)")) }
    var batches = listener.makeAsyncIterator()
    let first = await batches.next(isolation: nil)?.compactMap(number) ?? []
    #expect(first.count == most)
    #expect(first.first == 4 * most && first.last == 5 * most - 1)
    broadcaster.send(NodeEvent("7"))
    let second = await batches.next(isolation: nil)?.compactMap(number)
    #expect(second == [7])
    broadcaster.finish()
    let end = await batches.next(isolation: nil)
    #expect(end == nil)
  }
}
