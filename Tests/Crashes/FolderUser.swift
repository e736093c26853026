import Foundation
import Glibc
import Synchronization
import TestSupport

/// Somebody who works in the folder of one machine: in the areas that are theirs for the round, each step also done in
/// a model of what must come out.
///
/// Runs on a thread of its own and does what programs do: plain system calls, in the order that editors, databases and
/// shells make them.
final class FolderUser: @unchecked Sendable {
  private static let maxFilesInArea = 40
  private static let pageBytes = 4096

  let name: String
  let folder: String
  let trace: Trace
  let shared: SharedUser
  /// Before `start` and after `stop` only.
  var areas: [AreaModel] = []
  private var random: SeededRandom
  private let isStopping = Atomic(false)
  private var thread: Thread?
  private let ended = DispatchSemaphore(value: 0)
  private(set) var steps = 0

  init(name: String, folder: String, seed: UInt64, trace: Trace, shared: SharedUser) {
    self.name = name
    self.folder = folder
    self.trace = trace
    self.shared = shared
    random = SeededRandom(seed: seed)
  }

  func start() {
    isStopping.store(false, ordering: .sequentiallyConsistent)
    let thread = Thread { [self] in
      while !isStopping.load(ordering: .sequentiallyConsistent) {
        step()
        pause()
      }
      ended.signal()
    }
    self.thread = thread
    thread.start()
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    ended.wait()
    thread = nil
  }

  func stopIfRunning() { if thread != nil { stop() } }

  /// Bursts and breaks, as programs and people make them.
  private func pause() {
    let microseconds = random.below(10) == 0 ? random.below(60_000) : random.below(6_000)
    usleep(UInt32(microseconds))
  }

  private func step() {
    steps += 1
    guard !areas.isEmpty, random.below(4) != 0 else { return shared.step(&random) }
    let index = random.below(areas.count)
    if areas[index].files.count > Self.maxFilesInArea { return remove(index) }
    switch random.below(100) {
    case 0..<18: create(index)
    case 18..<30: editInPlace(index)
    case 30..<40: append(index)
    case 40..<52: saveByRename(index)
    case 52..<59: renameFile(index)
    case 59..<63: renameDirectory(index)
    case 63..<71: remove(index)
    case 71..<73: removeTree(index)
    case 73..<79: makeTree(index)
    case 79..<87: transaction(index)
    case 87..<90: changeMode(index)
    case 90..<93: makeLink(index)
    case 93..<95: truncateFile(index)
    case 95..<97: touch(index)
    case 97..<98: swap(index)
    default: changeType(index)
    }
  }

  // MARK: Steps

  private func create(_ index: Int) {
    let path = newPath(index, ".txt")
    let content = newContent()
    guard write(path, content, O_CREAT | O_EXCL, pieces: 1 + random.below(4)) else { return }
    areas[index].put(path, content)
    note("create \(path), \(content.count) bytes")
  }

  private func editInPlace(_ index: Int) {
    guard let path = pick(areas[index].files), var content = areas[index][path]?.content, !content.isEmpty else {
      return
    }
    let offset = random.below(content.count)
    let patch = Array(newContent().prefix(1 + random.below(3000)))
    guard write(path, patch, 0, at: offset) else { return }
    if content.count < offset + patch.count {
      content += [UInt8](repeating: 0, count: offset + patch.count - content.count)
    }
    content.replaceSubrange(offset..<offset + patch.count, with: patch)
    areas[index].put(path, content)
    note("edit \(path) at \(offset), \(patch.count) bytes")
  }

  private func append(_ index: Int) {
    guard let path = pick(areas[index].files), var content = areas[index][path]?.content else { return }
    for _ in 0...random.below(3) {
      let line = Array("line \(random.next()) appended by \(name)\n".utf8)
      guard write(path, line, O_APPEND, at: nil) else { break }
      content += line
      usleep(UInt32(random.below(3000)))
    }
    areas[index].put(path, content)
    note("append to \(path)")
  }

  /// As most editors save: a new file beside the old one, then a rename over it.
  private func saveByRename(_ index: Int) {
    guard let path = pick(areas[index].files) else { return }
    let temporary = "\(parent(path))/.save-\(random.below(1 << 30))"
    let content = newContent()
    guard write(temporary, content, O_CREAT | O_EXCL, pieces: 2) else { return }
    if random.below(2) == 0 { usleep(UInt32(random.below(4000))) }
    guard check(rename(full(temporary), full(path)), "save \(path)") else { return }
    areas[index].remove(path)
    areas[index].put(path, content)
    note("save \(path) by rename, \(content.count) bytes")
  }

  private func renameFile(_ index: Int) {
    guard let from = pick(areas[index].files) else { return }
    let to = random.below(3) == 0 ? pick(areas[index].files) ?? from : newPath(index, ".moved")
    guard from != to, check(rename(full(from), full(to)), "rename \(from)") else { return }
    areas[index].move(from, to: to)
    note("rename \(from) to \(to)")
  }

  private func renameDirectory(_ index: Int) {
    let area = areas[index]
    guard let from = pick(area.directories.filter { $0 != area.name }),
      let target = pick(area.directories.filter { $0 != from && !$0.hasPrefix(from + "/") })
    else { return }
    let to = "\(target)/moved-\(random.below(1000))"
    guard area[to] == nil, check(rename(full(from), full(to)), "rename \(from)") else { return }
    areas[index].move(from, to: to)
    note("rename directory \(from) to \(to)")
  }

  private func remove(_ index: Int) {
    guard let path = pick(areas[index].files + areas[index].paths(.symlink)),
      check(unlink(full(path)), "delete \(path)")
    else { return }
    areas[index].remove(path)
    note("delete \(path)")
  }

  private func removeTree(_ index: Int) {
    guard let top = pick(areas[index].directories.filter { $0 != areas[index].name }) else { return }
    let below = areas[index].all.filter { $0 == top || $0.hasPrefix(top + "/") }.sorted(by: >)
    for path in below {
      let isDirectory = areas[index][path]?.kind == .directory
      guard check(isDirectory ? rmdir(full(path)) : unlink(full(path)), "delete \(path)") else { return }
      areas[index].remove(path)
    }
    note("delete tree \(top)")
  }

  /// `mkdir -p` with files in it at once: a watcher that comes late sees nothing of them.
  private func makeTree(_ index: Int) {
    guard var path = pick(areas[index].directories), path.split(separator: "/").count < 6 else { return }
    for _ in 0...random.below(3) {
      path += "/dir\(random.below(50))"
      if areas[index][path] == nil {
        guard check(mkdir(full(path), 0o755), "mkdir \(path)") else { return }
        areas[index][path] = AreaModel.directory
      } else if areas[index][path]?.kind != .directory {
        return
      }
      let file = "\(path)/f\(random.below(1000))"
      guard areas[index][file] == nil else { continue }
      let content = Array(newContent().prefix(2000))
      guard write(file, content, O_CREAT | O_EXCL) else { return }
      areas[index].put(file, content)
    }
    note("make tree \(path)")
  }

  /// As SQLite commits: the old pages into a journal, the new ones into the file, the journal away.
  private func transaction(_ index: Int) {
    let path = "\(areas[index].name)/data.db"
    let journal = path + "-journal"
    guard areas[index][path].map({ $0.kind == .file }) ?? true, areas[index][journal] == nil else { return }
    var content = areas[index][path]?.content ?? []
    let descriptor = open(full(path), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard check(descriptor, "open \(path)") else { return }
    defer { close(descriptor) }
    let pages = (0...random.below(4)).map { _ in random.below(max(4, content.count / Self.pageBytes + 2)) }
    guard write(journal, Array(content.prefix(pages.count * Self.pageBytes)), O_CREAT | O_EXCL) else { return }
    for page in pages {
      let bytes = Content.make(number: random.below(1 << 40), count: Self.pageBytes)
      let end = (page + 1) * Self.pageBytes
      if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
      content.replaceSubrange(page * Self.pageBytes..<end, with: bytes)
      guard check(Int32(pwrite(descriptor, bytes, bytes.count, off_t(page * Self.pageBytes))), "write \(path)") else {
        return
      }
    }
    fdatasync(descriptor)
    _ = check(unlink(full(journal)), "delete \(journal)")
    areas[index].put(path, content)
    note("transaction in \(path), pages \(pages)")
  }

  private func changeMode(_ index: Int) {
    guard let path = pick(areas[index].files) else { return }
    let mode = [0o600, 0o644, 0o755, 0o640][random.below(4)] as mode_t
    guard check(chmod(full(path), mode), "chmod \(path)") else { return }
    areas[index][path]?.mode = mode
    note("chmod \(String(mode, radix: 8)) \(path)")
  }

  private func makeLink(_ index: Int) {
    let path = newPath(index, ".link")
    let target = "target-\(random.below(1000))"
    guard check(symlink(target, full(path)), "symlink \(path)") else { return }
    areas[index][path] = DiskTree.Entry(kind: .symlink, mode: 0, modified: 0, content: Array(target.utf8))
    note("symlink \(path)")
  }

  private func truncateFile(_ index: Int) {
    guard let path = pick(areas[index].files), let content = areas[index][path]?.content, !content.isEmpty else {
      return
    }
    let count = random.below(3) == 0 ? 0 : random.below(content.count)
    guard check(truncate(full(path), off_t(count)), "truncate \(path)") else { return }
    areas[index].put(path, Array(content.prefix(count)))
    note("truncate \(path) to \(count)")
  }

  private func touch(_ index: Int) {
    guard let path = pick(areas[index].files) else { return }
    let time = timespec(tv_sec: 1_500_000_000 + random.below(100_000_000), tv_nsec: random.below(1_000_000_000))
    _ = check(utimensat(AT_FDCWD, full(path), [time, time], 0), "touch \(path)")
    note("touch \(path)")
  }

  private func swap(_ index: Int) {
    guard let one = pick(areas[index].files), let two = pick(areas[index].files), one != two else { return }
    let third = "\(areas[index].name)/.swap-\(random.below(1 << 30))"
    for (from, to) in [(one, third), (two, one), (third, two)] {
      guard check(rename(full(from), full(to)), "swap \(from)") else { return }
      areas[index].move(from, to: to)
    }
    note("swap \(one) and \(two)")
  }

  private func changeType(_ index: Int) {
    guard let path = pick(areas[index].files), check(unlink(full(path)), "delete \(path)") else { return }
    areas[index].remove(path)
    guard check(mkdir(full(path), 0o755), "mkdir \(path)") else { return }
    areas[index][path] = AreaModel.directory
    let file = path + "/inside"
    let content = newContent()
    guard write(file, content, O_CREAT | O_EXCL) else { return }
    areas[index].put(file, content)
    note("file to directory \(path)")
  }

  // MARK: Helpers

  private func newContent() -> [UInt8] {
    let size =
      switch random.below(20) {
      case 0: 0
      case 1..<14: random.below(4000)
      case 14..<19: random.below(150_000)
      default: random.below(3_000_000)
      }
    return size == 0 ? [] : Content.make(number: random.below(1 << 40), count: size)
  }

  private func newPath(_ index: Int, _ suffix: String) -> String {
    while true {
      let directory = pick(areas[index].directories) ?? areas[index].name
      let path = "\(directory)/n\(random.below(10_000))\(suffix)"
      if areas[index][path] == nil { return path }
    }
  }

  private func pick(_ paths: [String]) -> String? { paths.isEmpty ? nil : paths[random.below(paths.count)] }
  private func parent(_ path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
  private func full(_ path: String) -> String { "\(folder)/\(path)" }

  private func write(_ path: String, _ bytes: [UInt8], _ flags: Int32, at offset: Int? = 0, pieces: Int = 1) -> Bool {
    let descriptor = open(full(path), O_WRONLY | O_CLOEXEC | flags, 0o644)
    guard check(descriptor, "open \(path)") else { return false }
    defer { close(descriptor) }
    if let offset, offset > 0 { lseek(descriptor, off_t(offset), SEEK_SET) }
    let step = max(1, (bytes.count + pieces - 1) / pieces)
    for start in stride(from: 0, to: bytes.count, by: step) {
      let part = Array(bytes[start..<min(start + step, bytes.count)])
      guard Glibc.write(descriptor, part, part.count) == part.count else { return check(-1, "write \(path)") }
      if pieces > 1 { usleep(UInt32(random.below(2000))) }
    }
    return true
  }

  /// A step that fails is the program's doing: nobody else works in these areas.
  private func check(_ result: Int32, _ what: String) -> Bool {
    if result >= 0 { return true }
    let text = String(cString: strerror(errno))
    failures.withLock { $0.append("\(name) cannot \(what): \(text)") }
    note("FAILED \(what): \(text)")
    return false
  }

  /// What did not work although nobody else works there.
  let failures = Mutex<[String]>([])

  private func note(_ what: String) { trace.add(name, what) }
}
