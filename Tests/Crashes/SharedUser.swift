import CLinux
import Glibc
import TestSupport

/// Somebody who works in the one directory where people of both machines work at the same time.
///
/// Every file is complete before it has a name, and what a step takes out of the folder it looks at: so it is known
/// exactly which contents somebody overwrote or deleted, and that all others must be somewhere.
struct SharedUser {
  static let directory = "shared"
  private static let names = 12
  private static let maxFiles = 30

  let name: String
  let folder: String
  /// On the folder's filesystem, outside of it.
  let scratch: String
  let ledger: ContentLedger
  let trace: Trace

  func step(_ random: inout SeededRandom) {
    let present = DiskTree.names(in: full(""))
    if present.count > Self.maxFiles { return delete(present, &random) }
    switch random.below(10) {
    case 0..<6: save(&random)
    case 6..<8: delete(present, &random)
    default: move(present, &random)
    }
  }

  private func save(_ random: inout SeededRandom) {
    let number = ledger.newNumber()
    let size = random.below(8) == 0 ? random.below(400_000) : random.below(5000)
    let temporary = "\(scratch)/\(number)"
    let target = "s\(random.below(Self.names))"
    let bytes = Content.make(number: number, count: size)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    let written = write(descriptor, bytes, bytes.count)
    close(descriptor)
    guard written == bytes.count else { return }
    if linux_rename(AT_FDCWD, temporary, AT_FDCWD, full(target), linux_rename_noreplace) == 0 {
      ledger.wrote(number, target)
      return note("content \(number) is new at \(target)")
    }
    if linux_rename(AT_FDCWD, temporary, AT_FDCWD, full(target), linux_rename_exchange) == 0 {
      ledger.wrote(number, target)
      note("content \(number) at \(target) in the place of \(takeOut(temporary))")
    } else {
      unlink(temporary)
    }
  }

  private func delete(_ present: [String], _ random: inout SeededRandom) {
    guard !present.isEmpty else { return }
    let victim = present[random.below(present.count)]
    let temporary = "\(scratch)/deleted-\(ledger.newNumber())"
    guard rename(full(victim), temporary) == 0 else { return }
    note("content \(takeOut(temporary)) deleted at \(victim)")
  }

  private func move(_ present: [String], _ random: inout SeededRandom) {
    guard !present.isEmpty else { return }
    let from = present[random.below(present.count)]
    let to = "s\(random.below(Self.names))"
    guard linux_rename(AT_FDCWD, full(from), AT_FDCWD, full(to), linux_rename_noreplace) == 0 else { return }
    note("\(from) renamed to \(to)")
  }

  /// Looks at what was taken out of the folder, and removes it.
  private func takeOut(_ path: String) -> String {
    defer { unlink(path) }
    guard let bytes = DiskTree.contents(path) else { return "something unreadable" }
    guard let number = Content.number(bytes) else {
      ledger.sawPart(
        "\(name) took out a file of \(bytes.count) bytes that is no whole content: \(Content.describe(bytes))")
      return "no whole content"
    }
    ledger.destroyed(number)
    return "\(number)"
  }

  private func full(_ path: String) -> String { "\(folder)/\(Self.directory)/\(path)" }
  private func note(_ what: String) { trace.add(name, what) }
}
