import SoftadastraCore
import SoftadastraFS
import TestSupport

/// People and programs at work in the folders: random edits, with a memory of which content somebody meant to go.
///
/// Every content is written once in the whole run. It is *released* when someone overwrites or deletes a file that holds
/// it; what nobody released must be on every machine in the end.
final class User {
  enum Action: String, CaseIterable {
    case create, overwrite, saveByRename, append, writeInTwoSteps, delete, deleteTree, makeDirectory, renameFile
    case renameDirectory, renameOver, changeMode, touch, makeSymlink, replaceType, swap, createMany, writeSameBytes
    case createLarge, editLarge, mixedDeep, moveInto, sameSizeAndTime, rotate, strangeName, strangeTime
  }

  struct Memory {
    var isReleased = false
    /// The last who deleted or overwrote it.
    var releasedBy: Int?
    /// Everything that was done to files that held it, its writing not counted.
    var touches = 0
    var description: String
    /// Where it was written first.
    var path = BytePath.root
    /// Written, with size and times kept, between a node's last look and the exchange: the archive has it, and nobody
    /// can tell.
    var mayBeArchived = false
  }

  let scheduler: Scheduler
  var contents: [ByteString: Memory] = [:]
  private(set) var counts: [Action: Int] = [:]
  private(set) var log: [String] = []
  /// Who met whom.
  var encounters = Encounters()
  var serial = 0
  /// Directories and names are few, so that people meet.
  let names = ["a", "b", "c", "notes.txt", "x y"]
  /// Of the action at hand: leaving out one action changes no other.
  private var random = SeededRandom(seed: 0)

  init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  func below(_ bound: Int) -> Int { random.below(bound) }

  // MARK: Choosing

  func anyPath(_ volume: MemoryVolume) -> BytePath {
    var path = BytePath.root
    for _ in 0..<below(3) { path = path.appending(["dir1", "dir2"][below(2)]) }
    return path.appending(names[below(names.count)])
  }

  func existing(_ machine: Machine, _ kind: FileKind) -> BytePath? {
    let found = machine.volume.items().filter { $0.kind == kind && !$0.path.isReserved }
    return found.isEmpty ? nil : found[below(found.count)].path
  }

  func freshContent(_ count: Int, _ what: String) -> [UInt8] {
    serial += 1
    var content = Array("content \(serial) ".utf8)
    let filler = randomBytes(seed: UInt64(serial), count: 16)
    while content.count < count { content += filler }
    content.removeLast(content.count - max(count, 16 + String(serial).utf8.count))
    remember(content, what)
    return content
  }

  private func remember(_ content: [UInt8], _ what: String) {
    contents[ByteString(content), default: Memory(description: what)].isReleased = false
  }

  // MARK: Doing

  /// Carries out one random action; false if it cannot be done there.
  func act(on machine: Machine, seed: UInt64) -> Bool {
    random = SeededRandom(seed: seed)
    let action = Action.allCases[below(Action.allCases.count)]
    guard perform(action, machine) else { return false }
    counts[action, default: 0] += 1
    return true
  }

  /// Something of this machine's alone, so that nobody else is met.
  func writeOwn(on machine: Machine) {
    serial += 1
    let path = BytePath("own").appending("\(machine.name)\(serial)")
    write(machine, path, freshContent(30, "\(machine.name):\(path)"))
    say(machine, "own \(path)")
  }

  func say(_ machine: Machine, _ text: String) {
    log.append("\(Double(scheduler.now / 1_000_000) / 1000) s \(machine.name): \(text)")
  }

  /// The bytes at a path are about to go because somebody wants it.
  private func release(_ machine: Machine, _ path: BytePath) {
    // Who works where a power loss took something away works on what was there.
    if let lost = machine.lostNames.removeValue(forKey: path) { contents[lost]?.isReleased = true }
    guard let content = machine.volume.content(path).map({ ByteString($0) }), contents[content] != nil else { return }
    contents[content]!.isReleased = true
    contents[content]!.releasedBy = machine.index
    // A deletion that the node cannot know of is no promise.
    contents[content]!.touches += machine.mayBePlacedAgain(path) ? 2 : 1
  }

  /// What a machine's folder holds of what people wrote.
  func contents(of machine: Machine) -> Set<ByteString> { Set(names(of: machine).values) }

  /// The same, by where it lies.
  func names(of machine: Machine) -> [BytePath: ByteString] {
    var found: [BytePath: ByteString] = [:]
    for (path, _) in machine.volume.items() {
      guard let content = machine.volume.content(path) else { continue }
      if contents[ByteString(content)] != nil { found[path] = ByteString(content) }
    }
    return found
  }

  /// What was nowhere but in the memory of the machine that lost its power is nobody's fault.
  func lostPower(_ machine: Machine, before: [BytePath: ByteString], others: [Machine]) {
    machine.lostNames = before.filter { path, content in machine.volume.content(path).map { ByteString($0) } != content
    }
    let before = Set(before.values)
    var kept = Set<ByteString>()
    for other in others { kept.formUnion(contents(of: other)) }
    for content in before.subtracting(kept) { contents[content]!.isReleased = true }
    // Deletions and renames may be undone as well.
    for content in contents.keys { contents[content]!.touches += 2 }
  }

  /// Whoever comes back without a memory brings back what was deleted meanwhile.
  func lostState() {
    for content in contents.keys { contents[content]!.touches += 2 }
  }

  private func releaseTree(_ machine: Machine, _ path: BytePath) {
    for (other, kind) in machine.volume.items(within: path) where kind == .file { release(machine, other) }
  }

  /// A directory above was moved, removed or replaced: whoever works below it at that time works concurrently.
  private func shaken(_ directory: BytePath) {
    for (content, memory) in contents where memory.path != directory && memory.path.isWithin(directory) {
      contents[content]!.touches += 1
    }
  }

  func touched(_ machine: Machine, _ path: BytePath) {
    for (other, kind) in machine.volume.items(within: path) where kind == .file {
      if let content = machine.volume.content(other) { contents[ByteString(content)]?.touches += 1 }
    }
  }

  /// True if a file can be written there: nothing, or a file.
  func isWritable(_ machine: Machine, _ path: BytePath) -> Bool {
    var parent = path.parent
    while !parent.isRoot {
      if let status = try? machine.volume.status(parent), status.kind != .directory { return false }
      parent = parent.parent
    }
    guard let status = try? machine.volume.status(path) else { return true }
    return status.kind == .file
  }

  func write(_ machine: Machine, _ path: BytePath, _ content: [UInt8]) {
    let missing = (try? machine.volume.status(path.parent)) ?? nil
    let deed = machine.volume.content(path) == nil ? Encounters.Deed.create : .edit
    encounters.meet(machine, path, deed, writing: content)
    defer { encounters.leave(machine, path, deed, at: scheduler.now) }
    // Somebody has replaced these very bytes: a third that holds them from both takes them for one, which that replaced.
    let before = contents[ByteString(content)]
    let isReplaced = before?.isReleased == true && before?.releasedBy != nil && before?.releasedBy != machine.index
    release(machine, path)
    remember(content, "\(machine.name):\(path)")
    contents[ByteString(content)]!.path = path
    if isReplaced { contents[ByteString(content)]!.mayBeArchived = true }
    machine.volume.write(path, content)
    if missing == nil, !path.parent.isRoot {
      machine.noticed(.subtreeChanged(topmost(path)))
    } else {
      machine.noticed(.written(path))
    }
  }

  /// The first directory on the way to a path.
  private func topmost(_ path: BytePath) -> BytePath { BytePath(unchecked: Array(path.components[0])) }

  func remove(_ machine: Machine, _ path: BytePath, as deed: Encounters.Deed = .delete) {
    let items = machine.volume.items(within: path)
    let below = items.map(\.path)
    if items.first?.kind == .directory {
      encounters.deletes(machine, directory: path)
    } else {
      encounters.meet(machine, path, deed)
    }
    defer { encounters.leave(machine, path, deed, at: scheduler.now) }
    releaseTree(machine, path)
    shaken(path)
    machine.volume.removeTree(path)
    for gone in below.reversed() { machine.noticed(.changed(gone)) }
  }

  func move(_ machine: Machine, _ from: BytePath, _ to: BytePath) -> Bool {
    if let kind = (try? machine.volume.status(from))??.kind {
      if kind == .directory {
        encounters.moves(machine, from, to: to, at: scheduler.now)
      } else {
        encounters.meet(machine, from, .renameAway)
        encounters.meet(machine, to, .renameHere)
      }
    }
    guard let status = try? machine.volume.move(from, to: to) else { return false }
    encounters.leave(machine, from, .renameAway, at: scheduler.now)
    encounters.leave(machine, to, .renameHere, at: scheduler.now)
    touched(machine, to)
    if status.kind == .directory { shaken(from) }
    machine.noticed(.moved(from: from, to: to, isDirectory: status.kind == .directory))
    return true
  }
}
