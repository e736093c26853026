internal import SoftadastraCore
internal import Synchronization

/// Directories that were made only because something below them arrived before their own entries did.
///
/// They are nobody's edit. Known by what they are and not by their names alone: one that a user put in such a place is
/// another. Forgotten at the end of the process; the next start takes them for what they are where they hold a peer's work
/// (`recallMadeDirectories`), and for the user's elsewhere.
final class MadeDirectories: Sendable {
  private let fingerprints = Mutex<[BytePath: UInt64]>([:])

  var isEmpty: Bool { fingerprints.withLock(\.isEmpty) }
  func insert(_ path: BytePath, _ fingerprint: UInt64) { fingerprints.withLock { $0[path] = fingerprint } }
  func remove(_ path: BytePath) { fingerprints.withLock { $0[path] = nil } }
  func fingerprint(_ path: BytePath) -> UInt64? { fingerprints.withLock { $0[path] } }
  func below(_ path: BytePath) -> [BytePath: UInt64] {
    fingerprints.withLock { all in all.filter { $0.key != path && $0.key.isWithin(path) } }
  }
}
