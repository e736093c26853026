import SoftadastraCore
import SoftadastraFS
import TestSupport

/// What people and programs do.
extension User {
  /// Differing in case or Unicode form alone, no UTF-8, a line break, an escape sequence, as long as names get.
  private static let strangeNames: [[UInt8]] = [
    Array("A".utf8), [0x63, 0x61, 0x66, 0xC3, 0xA9], [0x63, 0x61, 0x66, 0x65, 0xCC, 0x81], [0xFF, 0xFE],
    Array("two\nlines".utf8), Array("\u{1B}[31mred".utf8), [UInt8](repeating: UInt8(ascii: "n"), count: 255),
    Array("a/..b".utf8),
  ]

  func perform(_ action: Action, _ machine: Machine) -> Bool {
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
        remove(machine, path, as: .edit)
        guard move(machine, from, path) else { return false }
        say(machine, "rename \(from) over \(path)")
      } else {
        let temporary = path.parent.appending(".tmp")
        guard isWritable(machine, temporary) else { return false }
        write(machine, temporary, freshContent(40, "\(machine.name):\(path)"))
        remove(machine, path, as: .edit)
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
    case .moveInto:
      let tops = ["dir1", "dir2", "dir3"].map { BytePath($0) }
      let from = tops[below(3)]
      let to = tops[below(3)].appending(from.name)
      guard (try? volume.status(from))??.kind == .directory, !to.isWithin(from), move(machine, from, to) else {
        return false
      }
      say(machine, "move \(from) into \(to.parent)")
    case .rotate:
      let path = BytePath("log")
      let old = BytePath("log.1")
      guard isWritable(machine, path), isWritable(machine, old) else { return false }
      if volume.content(path) != nil {
        if volume.content(old) != nil { remove(machine, old) }
        guard move(machine, path, old) else { return false }
      }
      write(machine, path, freshContent(30, "\(machine.name):\(path)"))
      say(machine, "rotate \(path)")
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
    case .strangeTime:
      guard let path = existing(machine, .file) else { return false }
      touched(machine, path)
      // The epoch, before it, and the year 2200.
      _ = try? volume.setModified(path, nanoseconds: [0, -1_000_000_001, 7_258_118_400_000_000_000][below(3)])
      machine.noticed(.changed(path))
      say(machine, "strange time for \(path)")
    case .sameSizeAndTime:
      guard let path = existing(machine, .file), let old = volume.content(path),
        let modified = (try? volume.status(path))??.modifiedNanoseconds
      else { return false }
      serial += 1
      let mark = Array("same size \(serial) ".utf8)
      guard old.count > mark.count else { return false }
      let content = mark + old.dropFirst(mark.count)
      write(machine, path, content)
      if machine.isReplacing(path) { contents[ByteString(content)]!.mayBeArchived = true }
      _ = try? volume.setModified(path, nanoseconds: modified)
      machine.noticed(.changed(path))
      say(machine, "other bytes, same size and time for \(path)")
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
      remove(machine, path, as: .retype)
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
    case .strangeName:
      let path = BytePath(unchecked: Self.strangeNames[below(Self.strangeNames.count)])
      guard isWritable(machine, path) else { return false }
      write(machine, path, freshContent(25, "\(machine.name):\(path)"))
      say(machine, "strange name \(path)")
    case .mixedDeep:
      let path = BytePath("deep/one/two/three").appending(names[below(names.count)])
      guard isWritable(machine, path) else { return false }
      write(machine, path, freshContent(25, "\(machine.name):\(path)"))
      say(machine, "deep \(path)")
    }
    return true
  }
}

extension User.Action {
  /// What a series must have met of it.
  var situation: Situation? {
    switch self {
    case .saveByRename: .saveByRename
    case .writeInTwoSteps: .writeInSteps
    case .append: .append
    case .sameSizeAndTime: .sameSizeAndTime
    case .rotate: .rotate
    case .createMany: .burst
    case .mixedDeep: .deepDirectories
    case .makeSymlink: .symlink
    case .strangeName: .strangeName
    case .strangeTime: .strangeTime
    case .swap: .swap
    default: nil
    }
  }
}
