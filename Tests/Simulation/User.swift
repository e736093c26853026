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
    case createLarge, editLarge, mixedDeep
  }

  struct Memory {
    var isReleased = false
    /// Everything that was done to files that held it, its writing not counted.
    var touches = 0
    var description: String
    /// Where it was written first.
    var path = BytePath.root
  }

  private let scheduler: Scheduler
  private(set) var contents: [ByteString: Memory] = [:]
  private(set) var counts: [Action: Int] = [:]
  private(set) var log: [String] = []
  private var serial = 0
  /// Directories and names are few, so that people meet.
  private let names = ["a", "b", "c", "notes.txt", "x y"]
  var allowed: Set<Action> = Set(Action.allCases)
  /// Of the action at hand: leaving out one action changes no other.
  private var random = SeededRandom(seed: 0)

  init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  private func below(_ bound: Int) -> Int { random.below(bound) }

  // MARK: Choosing

  private func anyPath(_ volume: MemoryVolume) -> BytePath {
    var path = BytePath.root
    for _ in 0..<below(3) { path = path.appending(["dir1", "dir2"][below(2)]) }
    return path.appending(names[below(names.count)])
  }

  private func existing(_ machine: Machine, _ kind: FileKind) -> BytePath? {
    let found = machine.volume.items().filter { $0.kind == kind && !$0.path.isReserved }
    return found.isEmpty ? nil : found[below(found.count)].path
  }

  private func freshContent(_ count: Int, _ what: String) -> [UInt8] {
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

  /// Carries out one random action; what cannot be done there is skipped.
  func act(on machine: Machine, seed: UInt64) {
    random = SeededRandom(seed: seed)
    let actions = Action.allCases.filter(allowed.contains)
    let action = actions[below(actions.count)]
    guard perform(action, machine) else { return }
    counts[action, default: 0] += 1
  }

  private func say(_ machine: Machine, _ text: String) {
    log.append("\(Double(scheduler.now / 1_000_000) / 1000) s \(machine.name): \(text)")
  }

  /// The bytes at a path are about to go because somebody wants it.
  private func release(_ machine: Machine, _ path: BytePath) {
    guard let content = machine.volume.content(path).map({ ByteString($0) }), contents[content] != nil else { return }
    contents[content]!.isReleased = true
    // A node that was killed between placing a file and recording it cannot tell a file that was deleted since from one
    // that was never placed: it places it again. Such a deletion is no promise.
    contents[content]!.touches += machine.wasKilled ? 2 : 1
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

  private func touched(_ machine: Machine, _ path: BytePath) {
    for (other, kind) in machine.volume.items(within: path) where kind == .file {
      if let content = machine.volume.content(other) { contents[ByteString(content)]?.touches += 1 }
    }
  }

  /// True if a file can be written there: nothing, or a file.
  private func isWritable(_ machine: Machine, _ path: BytePath) -> Bool {
    var parent = path.parent
    while !parent.isRoot {
      if let status = try? machine.volume.status(parent), status.kind != .directory { return false }
      parent = parent.parent
    }
    guard let status = try? machine.volume.status(path) else { return true }
    return status.kind == .file
  }

  private func write(_ machine: Machine, _ path: BytePath, _ content: [UInt8]) {
    let missing = (try? machine.volume.status(path.parent)) ?? nil
    release(machine, path)
    remember(content, "\(machine.name):\(path)")
    contents[ByteString(content)]!.path = path
    machine.volume.write(path, content)
    if missing == nil, !path.parent.isRoot {
      machine.noticed(.subtreeChanged(topmost(path)))
    } else {
      machine.noticed(.changed(path))
    }
  }

  /// The first directory on the way to a path.
  private func topmost(_ path: BytePath) -> BytePath { BytePath(unchecked: Array(path.components[0])) }

  private func remove(_ machine: Machine, _ path: BytePath) {
    let below = machine.volume.items(within: path).map(\.path)
    releaseTree(machine, path)
    shaken(path)
    machine.volume.removeTree(path)
    for gone in below.reversed() { machine.noticed(.changed(gone)) }
  }

  private func move(_ machine: Machine, _ from: BytePath, _ to: BytePath) -> Bool {
    guard let status = try? machine.volume.move(from, to: to) else { return false }
    touched(machine, to)
    if status.kind == .directory { shaken(from) }
    machine.noticed(.moved(from: from, to: to, isDirectory: status.kind == .directory))
    return true
  }

  private func perform(_ action: Action, _ machine: Machine) -> Bool {
    let volume = machine.volume
    switch action {
    case .create, .createLarge:
      let path = anyPath(volume)
      guard isWritable(machine, path) else { return false }
      let isLarge = action == .createLarge && below(3) == 0
      write(machine, path, freshContent(isLarge ? 70_000 + below(80_000) : 20 + below(60), "\(machine.name):\(path)"))
      say(machine, "\(action) \(path)")
    case .overwrite, .editLarge:
      guard let path = existing(machine, .file), let old = volume.content(path) else { return false }
      var content = freshContent(20 + below(60), "\(machine.name):\(path)")
      if action == .editLarge, old.count > 60_000 {
        contents[ByteString(content)] = nil
        content = content + old
      }
      write(machine, path, content)
      say(machine, "\(action) \(path)")
    case .append:
      guard let path = existing(machine, .file), let old = volume.content(path) else { return false }
      serial += 1
      write(machine, path, old + Array("+\(serial)".utf8))
      say(machine, "append \(path)")
    case .writeInTwoSteps:
      guard let path = existing(machine, .file) else { return false }
      let content = freshContent(60, "\(machine.name):\(path)")
      contents[ByteString(content)] = nil
      let half = Array(content.prefix(30)) + Array("-\(serial)".utf8)
      write(machine, path, half)
      say(machine, "write half of \(path)")
      scheduler.after(UInt64(below(400_000_000))) { [self] in
        guard volume.content(path) == half else { return }
        write(machine, path, content)
        say(machine, "write the rest of \(path)")
      }
    case .saveByRename, .renameOver:
      guard let path = existing(machine, .file) else { return false }
      if action == .renameOver {
        guard let from = existing(machine, .file), from != path else { return false }
        remove(machine, path)
        guard move(machine, from, path) else { return false }
        say(machine, "rename \(from) over \(path)")
      } else {
        let temporary = path.parent.appending(".tmp")
        guard isWritable(machine, temporary) else { return false }
        write(machine, temporary, freshContent(40, "\(machine.name):\(path)"))
        remove(machine, path)
        guard move(machine, temporary, path) else { return false }
        say(machine, "save \(path) by rename")
      }
    case .delete:
      guard let path = existing(machine, .file) else { return false }
      remove(machine, path)
      say(machine, "delete \(path)")
    case .deleteTree:
      guard below(3) == 0, let path = existing(machine, .directory) else { return false }
      remove(machine, path)
      say(machine, "delete tree \(path)")
    case .makeDirectory:
      let path = anyPath(volume)
      guard (try? volume.makeDirectory(path, permissions: 0o755)) != nil else { return false }
      machine.noticed(.subtreeChanged(path))
      say(machine, "make directory \(path)")
    case .renameFile:
      guard let from = existing(machine, .file) else { return false }
      let to = anyPath(volume)
      guard move(machine, from, to) else { return false }
      say(machine, "rename \(from) to \(to)")
    case .renameDirectory:
      guard let from = existing(machine, .directory) else { return false }
      let to = below(2) == 0 ? BytePath(["dir1", "dir2", "dir3"][below(3)]) : anyPath(volume)
      guard !to.isWithin(from), move(machine, from, to) else { return false }
      say(machine, "rename directory \(from) to \(to)")
    case .changeMode:
      guard let path = existing(machine, below(3) == 0 ? .directory : .file) else { return false }
      touched(machine, path)
      _ = try? volume.setPermissions(path, [0o600, 0o644, 0o755][below(3)])
      machine.noticed(.changed(path))
      say(machine, "chmod \(path)")
    case .touch:
      guard let path = existing(machine, .file) else { return false }
      touched(machine, path)
      _ = try? volume.setModified(path, nanoseconds: Int64(below(1_000_000_000)) * 1000)
      machine.noticed(.changed(path))
      say(machine, "touch \(path)")
    case .makeSymlink:
      let path = anyPath(volume)
      serial += 1
      guard
        (try? volume.makeSymlink(
          Array("../target \(serial)".utf8), at: path, modifiedNanoseconds: Int64(serial) * 1_000_000_000)) != nil
      else { return false }
      machine.noticed(.changed(path))
      say(machine, "make symlink \(path)")
    case .replaceType:
      guard let path = existing(machine, [.file, .directory, .symlink][below(3)]) else { return false }
      let old = (try? volume.status(path))??.kind
      remove(machine, path)
      if old == .directory {
        write(machine, path, freshContent(30, "\(machine.name):\(path)"))
      } else {
        write(machine, path.appending("inside"), freshContent(30, "\(machine.name):\(path)"))
      }
      say(machine, "another type for \(path)")
    case .swap:
      guard let a = existing(machine, .file), let b = existing(machine, .file), a != b else { return false }
      let temporary = a.parent.appending(".swap")
      guard move(machine, a, temporary), move(machine, b, a), move(machine, temporary, b) else { return false }
      say(machine, "swap \(a) and \(b)")
    case .createMany:
      guard below(6) == 0 else { return false }
      serial += 1
      let directory = BytePath("many\(below(3))")
      guard (0..<12).allSatisfy({ isWritable(machine, directory.appending("f\($0)")) }) else { return false }
      for number in 0..<12 { write(machine, directory.appending("f\(number)"), freshContent(20, "many")) }
      say(machine, "many in \(directory)")
    case .writeSameBytes:
      // The same bytes at the same name on several machines: no conflict.
      let path = BytePath("same").appending(names[below(2)])
      guard isWritable(machine, path) else { return false }
      write(machine, path, Array("the same everywhere: \(path)".utf8))
      say(machine, "write the usual bytes to \(path)")
    case .mixedDeep:
      let path = BytePath("deep/one/two/three").appending(names[below(names.count)])
      guard isWritable(machine, path) else { return false }
      write(machine, path, freshContent(25, "\(machine.name):\(path)"))
      say(machine, "deep \(path)")
    }
    return true
  }
}
