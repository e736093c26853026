internal import SoftadastraCore

/// Holds back deletions that the first scan after a start finds, if they are too many to be believed.
///
/// An unmounted disk, a failed restore or a wrong path looks like somebody deleted everything while the node was off.
/// More than half of a folder of over `minFiles` files gone at once is not spread before a person confirms it, or the
/// files are back. What is deleted while the node watches is never held.
///
/// | state     | absent paths                                   | ends with                                       |
/// | --------- | ---------------------------------------------- | ----------------------------------------------- |
/// | `waiting` | are deletions                                  | the first scan's begin; `off` if nothing is synced then |
/// | `scanning`| are collected                                  | the scan's end: then they are judged together   |
/// | `holding` | at and below the collected ones are held        | confirmation, or nothing of them missing any more |
/// | `off`     | are deletions                                  |                                                 |
struct DeletionBrake {
  static let minFiles = 100

  enum State {
    case waiting
    /// `appeared`: fingerprints of what is new, by which a directory that was renamed meanwhile is recognised.
    case scanning(absent: Set<BytePath>, appeared: Set<UInt64>)
    case holding(Held)
    case off
  }

  struct Held {
    /// Absent; what is below counts as well.
    let roots: Set<BytePath>
    /// Files missing when last counted, and those the folder had.
    var gone: Int
    let total: Int
    var returned: Set<BytePath> = []
    /// A directory was looked through in which something of it may be: what is unchanged there is not seen by itself.
    var isListed = false
  }

  private(set) var state = State.waiting

  static func engages(gone: Int, of total: Int) -> Bool { total > minFiles && gone > total / 2 }

  var isScanning: Bool { if case .scanning = state { true } else { false } }
  var held: Held? { if case .holding(let held) = state { held } else { nil } }

  /// - Parameter isNothingSynced: nothing can be missing then.
  mutating func scanBegins(isNothingSynced: Bool) {
    if case .waiting = state { state = isNothingSynced ? .off : .scanning(absent: [], appeared: []) }
  }

  /// Whether an absent path counts as deleted now. If not, it is remembered.
  mutating func admits(_ path: BytePath) -> Bool {
    switch state {
    case .waiting, .off: return true
    case .holding: return !holds(path)
    case .scanning(var absent, let appeared):
      state = .off
      absent.insert(path)
      state = .scanning(absent: absent, appeared: appeared)
      return false
    }
  }

  func holds(_ path: BytePath) -> Bool {
    guard case .holding(let held) = state else { return false }
    var next = path
    while !next.isRoot {
      if held.roots.contains(next) { return true }
      next = next.parent
    }
    return false
  }

  /// A path is there. `isNew`: the synced tree had nothing of that name.
  mutating func saw(_ path: BytePath, fingerprint: UInt64?, isNew: Bool) {
    switch state {
    case .waiting, .off: return
    case .holding(var held):
      guard holds(path) else { return }
      held.returned.insert(path)
      state = .holding(held)
    case .scanning(var absent, var appeared):
      state = .off
      absent.remove(path)
      if isNew, let fingerprint { appeared.insert(fingerprint) }
      state = .scanning(absent: absent, appeared: appeared)
    }
  }

  /// Enough has come back for another count.
  var isWorthCounting: Bool { held.map { $0.isListed || $0.returned.count >= $0.gone } ?? false }

  /// A directory is there and was compared with the synced tree.
  mutating func listed(_ directory: BytePath) {
    guard case .holding(var held) = state, holds(directory) || held.roots.contains(where: { $0.parent == directory })
    else { return }
    held.isListed = true
    state = .holding(held)
  }

  mutating func hold(_ roots: Set<BytePath>, gone: Int, of total: Int) {
    state = .holding(Held(roots: roots, gone: gone, total: total))
  }

  mutating func counted(gone: Int) {
    guard case .holding(let held) = state else { return }
    state = gone == 0 ? .off : .holding(Held(roots: held.roots, gone: gone, total: held.total))
  }

  /// Everything from now on is a deletion; the paths that were held.
  mutating func release() -> Set<BytePath> {
    defer { state = .off }
    switch state {
    case .scanning(let absent, _): return absent
    case .holding(let held): return held.roots
    case .waiting, .off: return []
    }
  }
}
