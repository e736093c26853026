import SoftadastraCore
import SoftadastraFS
import SoftadastraMirror
import SoftadastraStore
import SoftadastraSync
import TestSupport

/// The invariants, checked from outside: folders and stores of all machines after everything came to rest.
enum Checks {
  struct FileState: Equatable {
    var kind: FileKind
    var mode: UInt16
    var modified: Int64
    var content: [UInt8]
  }

  /// - Parameter held: what is compared of attributes, where another volume holds less.
  static func tree(_ volume: MemoryVolume, as held: HeldAttributes = .all) -> [BytePath: FileState] {
    var tree: [BytePath: FileState] = [:]
    for (path, _) in volume.items() where !path.isReserved {
      guard let status = try? volume.status(path) else { continue }
      let content: [UInt8] =
        switch status.kind {
        case .file: volume.content(path) ?? []
        case .symlink: (try? volume.readLink(path)) ?? []
        default: []
        }
      tree[path] = FileState(
        kind: status.kind, mode: status.kind == .symlink || !held.permissions ? 0 : status.permissions,
        modified: status.kind == .directory ? 0 : held.shown(status.modifiedNanoseconds), content: content)
    }
    return tree
  }

  /// Invariant 1. Nil if all machines hold the same.
  static func difference(_ machines: [Machine]) -> String? {
    let held = heldByAll(machines)
    let first = tree(machines[0].volume, as: held)
    for other in machines.dropFirst() {
      let second = tree(other.volume, as: held)
      for path in Set(first.keys).union(second.keys).sorted() where first[path] != second[path] {
        return "\(path): \(machines[0].name) has \(words(first[path])), \(other.name) has \(words(second[path]))"
      }
      if let key = valueDifference(machines[0], other) { return "values of \(key) differ" }
    }
    return nil
  }

  private static func heldByAll(_ machines: [Machine]) -> HeldAttributes {
    machines.lazy.map(\.volume.heldAttributes).first { $0 != .all } ?? .all
  }

  private static func words(_ state: FileState?) -> String {
    guard let state else { return "nothing" }
    let text = text(state.content)
    return "\(state.kind) \(String(state.mode, radix: 8)) \(state.modified) '\(text)' (\(state.content.count) bytes)"
  }

  /// How a content begins, as far as people wrote it.
  private static func text(_ content: [UInt8]) -> String {
    String(decoding: content.prefix(24).prefix { (0x20..<0x7F).contains($0) }, as: UTF8.self)
  }

  /// What is known at a machine and not applied.
  private static func wanted(_ machine: Machine, _ prefix: [UInt8]) -> [FileEntry] {
    guard let store = machine.node?.store else { return [] }
    return store.list(prefix: prefix, limit: 10_000).compactMap {
      (try? store.get($0.key)).flatMap { try? FileEntry(remoteTree: $0.value) }
    }
  }

  /// Whether all that anybody still wants is content of lives whose state was lost, which nobody has.
  static func isOnlyLostContentWanted(_ machines: [Machine]) -> Bool {
    let lost = machines.reduce(into: Set<ReplicaID>()) { $0.formUnion($1.lostReplicas) }
    let wanted = machines.flatMap { Self.wanted($0, StoreKey.remotePrefix(Machine.folder)) }
    let held = machines.compactMap(\.node?.store).reduce(into: Set<Dot>()) { dots, store in
      for (_, summary) in store.list(prefix: StoreKey.filePrefix(Machine.folder), limit: .max) {
        if let dot = summary.dot { dots.insert(dot) }
      }
    }
    return !wanted.isEmpty
      && wanted.allSatisfy { lost.contains($0.version.dot.replica) && !held.contains($0.version.dot) }
  }

  /// Each machine's entry of a path, for traces.
  static func entries(_ machines: [Machine], of path: BytePath) -> String {
    machines.map { machine in
      let waiting = wanted(machine, StoreKey.remote(Machine.folder, path) + [0])
      let wanted = waiting.map { " wants \($0.version) seen \($0.version.vector)" }.joined()
      guard let store = machine.node?.store, let entry = try? store.get(StoreKey.file(Machine.folder, path)) else {
        return "\(machine.name): no entry" + wanted
      }
      let version = entry.version.map { "\($0) seen \($0.vector)" } ?? "-"
      return "\(machine.name): \(entry.isDeleted ? "deleted" : "live") \(version) tag \(entry.tag) flags \(entry.flags)"
        + wanted
    }.joined(separator: "\n  ")
  }

  /// The entries that a machine itself made since its counter stood there.
  static func versions(of machine: Machine, after counter: UInt64) -> [String] {
    guard let store = machine.node?.store else { return [] }
    return store.list(prefix: StoreKey.filePrefix(Machine.folder), limit: 10_000, includeDeleted: true).compactMap {
      guard let dot = $1.dot, dot.replica == store.replica, dot.counter > counter else { return nil }
      return "\(machine.name) \($1.isDeleted ? "deleted" : "wrote") \(BytePath.escape($0.dropFirst(10)))"
    }
  }

  static func firstDifferentPath(_ machines: [Machine]) -> BytePath? {
    let held = heldByAll(machines)
    let first = tree(machines[0].volume, as: held)
    for other in machines.dropFirst() {
      let second = tree(other.volume, as: held)
      if let path = Set(first.keys).union(second.keys).sorted().first(where: { first[$0] != second[$0] }) {
        return path
      }
    }
    return nil
  }

  private static func valueDifference(_ a: Machine, _ b: Machine) -> String? {
    guard let one = a.node?.store, let two = b.node?.store else { return nil }
    let first = values(one)
    let second = values(two)
    for key in Set(first.keys).union(second.keys).sorted() where first[key] != second[key] { return key }
    return nil
  }

  private static func values(_ store: Store) -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for (key, _) in store.list(prefix: SpaceID.values.prefix, limit: 10_000) {
      found[BytePath.escape(key)] = (try? store.get(key))?.value ?? []
    }
    return found
  }

  /// Invariant 2: what nobody meant to go is there. Nil if it is.
  ///
  /// An archive counts only where no name in the folder was to be had: for what a crash left between two names, and
  /// where a conflict copy's name was taken by other bytes.
  static func lost(_ user: User, _ machines: [Machine], besides conflicts: Set<BytePath>) -> String? {
    let files = tree(machines[0].volume).values.filter { $0.kind == .file }
    let live = Set(files.map { ByteString($0.content) })
    var archived: [ByteString: BytePath] = [:]
    for volume in machines.map(\.volume) {
      for path in volume.archived {
        guard let content = volume.archivedContent(path) else { continue }
        let name = path.name.prefix(upTo: path.name.lastIndex(of: UInt8(ascii: "~")) ?? path.name.endIndex)
        archived[ByteString(content)] = path.parent.appending(name)
      }
    }
    for (content, memory) in user.contents.sorted(by: { $0.value.description < $1.value.description })
    where !memory.isReleased && !live.contains(content) {
      let place = archived[content]
      if let place, memory.mayBeArchived || isRightlyArchived(place, conflicts) { continue }
      return "'\(text(content.bytes))', written at \(memory.description), is "
        + (place.map { "in the archive only, from \($0)" } ?? "gone")
    }
    return nil
  }

  private static func isRightlyArchived(_ place: BytePath, _ conflicts: Set<BytePath>) -> Bool {
    place.isWithin(BytePath("recovered")) || conflicts.contains(place) || place.description.contains(".conflict-")
  }

  /// Invariant 3: what one person deleted or overwrote, and nobody else touched, does not come back under its name.
  static func resurrected(
    _ user: User, _ machines: [Machine], besides conflicts: Set<BytePath>, _ kept: Set<ByteString>
  ) -> String? {
    for (path, state) in tree(machines[0].volume).sorted(by: { $0.key < $1.key })
    where state.kind == .file && !path.description.contains(".conflict-") && !conflicts.contains(path) {
      guard let memory = user.contents[ByteString(state.content)], memory.isReleased, memory.touches == 1,
        !kept.contains(ByteString(state.content)), !path.isWithin(BytePath("same"))
      else { continue }
      return "\(path) holds '\(text(state.content))', which was deleted"
    }
    return nil
  }

  static func conflictCopies(_ machines: [Machine]) -> [BytePath] {
    tree(machines[0].volume).keys.filter { $0.description.contains(".conflict-") }.sorted()
  }

  /// Invariant 11: of one file, one conflict copy for each distinct content. A copy may hold what its file holds: when
  /// bytes that had lost were meant to be deleted by somebody else, they stay under a later version, and that one wins.
  static func duplicateCopies(_ user: User, _ machines: [Machine]) -> String? {
    var seen: [[UInt8]: BytePath] = [:]
    let files = tree(machines[0].volume)
    for path in conflictCopies(machines) where files[path]?.kind == .file {
      // What people moved about may well lie in two places.
      guard user.contents[ByteString(files[path]!.content)]?.touches == 0,
        let original = ConflictName.original(of: path)
      else { continue }
      let content = original.bytes + [0] + files[path]!.content
      if let other = seen[content] { return "\(other) and \(path) hold the same" }
      seen[content] = path
    }
    return nil
  }

  /// What `status` says beside what the entries say.
  static func wrongTotals(_ machines: [Machine]) -> String? {
    for machine in machines {
      guard let store = machine.node?.store else { continue }
      var counted = (files: 0, bytes: 0 as UInt64, conflicts: 0)
      for (key, summary) in store.list(prefix: StoreKey.filePrefix(Machine.folder), limit: .max) {
        guard let entry = try? store.get(key), let value = (try? StoredFileValue(decoding: entry.value))?.value else {
          continue
        }
        if !value.isDirectory { counted.files += 1 }
        counted.bytes += value.size
        if Change.Flags(rawValue: summary.flags).contains(.conflictCopy) { counted.conflicts += 1 }
      }
      let totals = FolderTotals(of: Machine.folder, in: store)
      guard totals.files == counted.files, totals.bytes == counted.bytes, totals.conflicts == counted.conflicts else {
        return "\(machine.name) holds \(counted) and says \(totals)"
      }
    }
    return nil
  }

  /// Nothing that a finished transfer or exchange left behind. What is waited for may have come in part.
  static func leftovers(_ machines: [Machine]) -> String? {
    for machine in machines where wanted(machine, StoreKey.remotePrefix(Machine.folder)).isEmpty {
      if let name = (try? machine.volume.stagedNames())?.first { return "\(machine.name) still stages \(name)" }
    }
    return nil
  }
}
