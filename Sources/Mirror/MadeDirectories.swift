internal import SoftadastraCore
internal import SoftadastraFS
internal import Synchronization

/// Directories that were made only because something below them arrived before their own entries did.
///
/// They are nobody's edit. Known by what they are and not by their names alone: one that a user put in such a place is
/// another. Forgotten at the end of the process; the next start takes them for what they are where they hold a peer's work
/// (`recallMadeDirectories`), and for the user's elsewhere.
final class MadeDirectories: Sendable {
  private struct State: Sendable {
    var fingerprints: [BytePath: UInt64] = [:]
    /// Being made right now: whoever looks may see one before its fingerprint is noted.
    var making: [BytePath: Int] = [:]
  }

  private let state = Mutex(State())

  var isEmpty: Bool { state.withLock(\.fingerprints.isEmpty) }
  func insert(_ path: BytePath, _ fingerprint: UInt64) { state.withLock { $0.fingerprints[path] = fingerprint } }
  func remove(_ path: BytePath) { state.withLock { $0.fingerprints[path] = nil } }
  func fingerprint(_ path: BytePath) -> UInt64? { state.withLock { $0.fingerprints[path] } }
  func isBeingMade(_ path: BytePath) -> Bool { state.withLock { $0.making[path] != nil } }
  func below(_ path: BytePath) -> [BytePath: UInt64] {
    state.withLock { state in state.fingerprints.filter { $0.key != path && $0.key.isWithin(path) } }
  }

  /// Makes one; nobody takes it for somebody's meanwhile.
  func make(
    _ path: BytePath, _ body: () throws(SoftadastraError) -> FileStatus
  ) throws(SoftadastraError) {
    state.withLock { $0.making[path, default: 0] += 1 }
    defer {
      state.withLock { state in
        let others = state.making[path, default: 1] - 1
        state.making[path] = others > 0 ? others : nil
      }
    }
    insert(path, try body().fingerprint)
  }
}
