import SoftadastraCore
import SoftadastraFS
import TestSupport

/// Notices when two people work on one thing without having seen each other's work.
///
/// The last deed at each path is remembered with what it left there. Whoever then works at the path on another machine
/// and finds something else there has not seen it. Forgotten whenever all machines hold the same.
struct Encounters {
  enum Deed { case create, edit, delete, renameAway, renameHere, retype }

  private struct Trace {
    let machine: Int
    let deed: Deed
    let left: Found
    let at: UInt64
  }

  private struct Found: Equatable {
    var kind: FileKind?
    var content: [UInt8]?
  }

  private struct Move {
    let machine: Int
    let from: BytePath
    let to: BytePath
  }

  private var last: [BytePath: Trace] = [:]
  private var deletedDirectories: [(machine: Int, path: BytePath)] = []
  private var moves: [Move] = []
  private(set) var counts: [Situation: Int] = [:]

  mutating func forget() {
    last.removeAll(keepingCapacity: true)
    deletedDirectories.removeAll(keepingCapacity: true)
    moves.removeAll(keepingCapacity: true)
  }

  mutating func count(_ situation: Situation) { counts[situation, default: 0] += 1 }

  private func found(_ machine: Machine, _ path: BytePath) -> Found {
    Found(kind: (try? machine.volume.status(path))??.kind, content: machine.volume.content(path))
  }

  // MARK: Files

  /// Before somebody does this at a path.
  mutating func meet(_ machine: Machine, _ path: BytePath, _ deed: Deed, writing content: [UInt8]? = nil) {
    if let trace = last[path], trace.machine != machine.index, trace.left != found(machine, path),
      let situation = Self.situation(trace.deed, deed, isSame: content != nil && content == trace.left.content)
    {
      count(situation)
    }
    guard deed == .create || deed == .edit else { return }
    let parent = path.parent
    if deletedDirectories.contains(where: { $0.machine != machine.index && parent.isWithin($0.path) }),
      found(machine, parent).kind == .directory
    {
      count(.deletedDirectoryAgainstChild)
    }
    if deletedDirectories.contains(where: { $0.machine == machine.index && parent.isWithin($0.path) }),
      found(machine, parent).kind == nil
    {
      count(.directoryAgain)
    }
    if moves.contains(where: { $0.machine != machine.index && path.isWithin($0.from) }),
      found(machine, parent).kind == .directory
    {
      count(.movedDirectoryAgainstChild)
    }
  }

  private static func situation(_ a: Deed, _ b: Deed, isSame: Bool) -> Situation? {
    switch (a, b) {
    case (.edit, .edit): .editAgainstEdit
    case (.edit, .delete), (.delete, .edit): .editAgainstDelete
    case (.delete, .delete): .deleteAgainstDelete
    case (.create, .create): isSame ? .createSameBytes : .createAgainstCreate
    case (.renameAway, .edit), (.edit, .renameAway): .renameAgainstEdit
    case (.renameAway, .renameAway): .renameAgainstRename
    case (.renameHere, .renameHere): .twoRenamedToOne
    case (.retype, .edit), (.edit, .retype): .typeAgainstEdit
    default: nil
    }
  }

  /// After it was done.
  mutating func leave(_ machine: Machine, _ path: BytePath, _ deed: Deed, at now: UInt64) {
    last[path] = Trace(machine: machine.index, deed: deed, left: found(machine, path), at: now)
  }

  // MARK: Directories

  /// Before a tree is deleted.
  mutating func deletes(_ machine: Machine, directory: BytePath) {
    for (path, trace) in last
    where path != directory && path.isWithin(directory) && trace.machine != machine.index && trace.left.kind != nil {
      if trace.left != found(machine, path) { return noteDeleted(machine, directory, .deletedDirectoryAgainstChild) }
    }
    noteDeleted(machine, directory, nil)
  }

  private mutating func noteDeleted(_ machine: Machine, _ directory: BytePath, _ situation: Situation?) {
    if let situation { count(situation) }
    deletedDirectories.append((machine.index, directory))
  }

  private static let uploadNanoseconds: UInt64 = 500_000_000

  /// Before a directory is renamed.
  mutating func moves(_ machine: Machine, _ from: BytePath, to: BytePath, at now: UInt64) {
    let inside = last.filter { $0.key != from && $0.key.isWithin(from) && $0.value.left.kind != nil }
    if inside.contains(where: { $1.machine != machine.index && $1.left != found(machine, $0) }) {
      count(.movedDirectoryAgainstChild)
    }
    if inside.contains(where: { $1.machine == machine.index && now - $1.at < Self.uploadNanoseconds }) {
      count(.movedWhileUploading)
    }
    if moves.contains(where: {
      $0.machine != machine.index && $0.to.isWithin(from) && to.isWithin($0.from)
        && found(machine, $0.from).kind == .directory
    }) {
      count(.crossMove)
    }
    moves.append(Move(machine: machine.index, from: from, to: to))
  }
}
