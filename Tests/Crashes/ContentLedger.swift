import Synchronization

/// What was written in the directory that both machines' people work in, and what of it somebody overwrote or deleted.
///
/// Everything else must be there in the end: under its name, as a conflict copy, or in a versions archive.
final class ContentLedger: Sendable {
  private struct State {
    var next = 1
    /// Number and where it was put, for messages.
    var written: [Int: String] = [:]
    var destroyed: Set<Int> = []
    var parts: [String] = []
  }

  private let state = Mutex(State())

  func newNumber() -> Int {
    state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
  }

  func wrote(_ number: Int, _ place: String) { state.withLock { $0.written[number] = place } }
  func destroyed(_ number: Int) { state.withLock { _ = $0.destroyed.insert(number) } }
  /// A file that holds less or more than one content: nothing partial may ever bear a name.
  func sawPart(_ what: String) { state.withLock { $0.parts.append(what) } }
  var parts: [String] { state.withLock { $0.parts } }
  var count: Int { state.withLock { $0.written.count } }

  /// What must be somewhere, and where it was put.
  var surviving: [Int: String] {
    state.withLock { state in state.written.filter { !state.destroyed.contains($0.key) } }
  }

  /// What is only in an archive need not be looked for again: archives have limits.
  func forget(_ numbers: some Sequence<Int>) { state.withLock { for number in numbers { $0.written[number] = nil } } }
}
