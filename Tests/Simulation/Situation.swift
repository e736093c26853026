/// What a series of runs must have met: the kinds of faults, and the situations of synchronisers in the field.
///
/// A run counts what occurred in it; `softadastra-sim --require-all` fails when one of these stays at zero.
public enum Situation: String, CaseIterable, Sendable {
  // People
  case editAgainstEdit = "edit against edit"
  case editAgainstDelete = "edit against deletion"
  case deleteAgainstDelete = "deletion against deletion"
  case createAgainstCreate = "create against create"
  case createSameBytes = "create against create, same bytes"
  case renameAgainstEdit = "rename against edit"
  case renameAgainstRename = "rename against rename of one file"
  case twoRenamedToOne = "two files renamed to one name"
  case swap = "two files swapped"
  case crossMove = "A into B against B into A"
  case deletedDirectoryAgainstChild = "directory deleted against a new child"
  case movedDirectoryAgainstChild = "directory renamed against an edit in it"
  case movedWhileUploading = "directory renamed while its files are sent"
  case typeAgainstEdit = "another type against an edit"
  case onlyOneEdits = "only one person edits"

  // Programs
  case saveByRename = "save by rename"
  case writeInSteps = "truncate, write, write again"
  case append = "append"
  case sameSizeAndTime = "other bytes, same size and time"
  case editBetweenCalls = "edit between two calls of the node"
  case rotate = "log rotated"
  case burst = "many files at once"
  case deepDirectories = "deep directories with immediate writes"
  case directoryAgain = "directory deleted and made again"
  case overflow = "watcher lost events"
  case symlink = "symlink"
  case strangeName = "strange name"
  case strangeTime = "time zero, negative or far in the future"

  // Machines
  case offlineEdit = "edit while the node is off"
  case stop = "stop"
  case kill = "kill"
  case start = "start after a stop or kill"
  case compaction = "compaction"
  case clockOff = "clock years off"
  case clockJump = "clock jump"
  case ioErrors = "calls on the folder fail"
  case poorVolume = "folder's filesystem without permissions and exact times"
  case fullVolume = "folder's filesystem full"
  case logErrors = "write or fsync of the log fails"
  case fullLog = "log's filesystem full"
  case powerLoss = "power loss"
  case lostState = "state directory lost"
  case lostContent = "content that only a lost state knew is waited for"
  case restoredState = "state directory restored from an old backup"
  case restoredMachine = "state and folder restored from an old backup"
  case copiedMachine = "machine copied"
  case noticedFork = "forked history noticed by a peer"
  case healedFork = "new replica ID after a fork"

  // Network
  case chain = "chain of nodes"
  case ringParted = "ring with a partition"
  case partition = "partition"
  case cut = "cut"
  case cutInTransfer = "cut in the middle of a transfer"
  case lostMessage = "message lost in a cut"
  case repeatedMessage = "message repeated"
  case lateMessage = "message of an old connection after a reconnect"
  case slowBesideFast = "slow peer beside a fast one"
  case longAway = "peer away for long"
  case forgottenDeletion = "deletion forgotten by a node"
  case deletedWhileAway = "member hears of deletions that others have forgotten"
  case value = "value put"

  /// Comes only with a kind of trouble that is asked for.
  public static func isExpected(_ situation: Situation, with troubles: Set<Trouble>) -> Bool {
    if situation == .lostContent { return false }
    if [.noticedFork, .healedFork].contains(situation) { return !troubles.isDisjoint(with: Trouble.forking) }
    return Trouble.allCases.allSatisfy { $0.situation != situation || troubles.contains($0) }
  }
}
