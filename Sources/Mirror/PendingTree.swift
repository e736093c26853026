internal import SoftadastraCore

/// The remote tree in memory: what peers want and this node has not applied yet.
///
/// A path may hold several concurrent versions; each is decided on in turn. The durable form is one record for each
/// in the store, written before the sender is told "known".
struct PendingTree {
  struct Origin: Sendable, Hashable {
    let peer: NodeID
    let sequence: UInt64
  }

  enum State: Sendable {
    case queued
    /// A batch is working on it.
    case applying
    /// Its content is on its way.
    case fetching
    /// Cannot be applied for now; retried at the time given.
    indirect case blocked(SoftadastraError, retryAt: UInt64, attempts: Int)
  }

  struct Item: Sendable {
    /// Does not change, and is handed on from step to step: one reference.
    private final class Wanted: Sendable {
      let path: BytePath
      let entry: FileEntry

      init(_ path: BytePath, _ entry: FileEntry) {
        self.path = path
        self.entry = entry
      }
    }

    private let wanted: Wanted
    var path: BytePath { wanted.path }
    var entry: FileEntry { wanted.entry }
    var key: FetchKey { FetchKey(path: path, dot: entry.version.dot) }

    var origins: [Origin]
    var content: [UInt8]?
    /// A complete file of this name lies in the staging area.
    var stagedName: String?
    var state = State.queued
    var attempts = 0
    /// How often it has waited for what concerns another path.
    var waits = 0
    /// Versions that this one supersedes and that may be on the disk already: a crash came before their record. Kept
    /// until this one is applied, so that such bytes are known for what they are.
    var overtaken: [FileEntry] = []
    /// Who sent it hears of the copy that took its place instead.
    var handedTo: FetchKey?
    /// A conflict copy that this node derived and that no peer has offered: its bytes may be gone everywhere.
    var isDerived = false
    /// The store's sequence of its record. Only when that is durable may anything of it be on disk.
    var record: UInt64?

    init(path: BytePath, entry: FileEntry, origins: [Origin], content: [UInt8]? = nil, record: UInt64? = nil) {
      wanted = Wanted(path, entry)
      self.origins = origins
      self.content = content
      self.record = record
    }

    var isBeingApplied: Bool { if case .applying = state { true } else { false } }
  }

  private var items: [FetchKey: Item] = [:]
  private var byPath: [BytePath: [Dot]] = [:]
  /// How many paths wait below each directory.
  private var below: [BytePath: Int] = [:]
  private var queue: [FetchKey] = []
  private(set) var inlineBytes = 0
  private(set) var count = 0
  private var copyCount = 0
  /// How many items hold each staged file.
  private var stagedUses: [String: Int] = [:]

  var isEmpty: Bool { count == 0 }
  var hasQueued: Bool { !queue.isEmpty }
  /// An upper bound: what was superseded meanwhile is still listed.
  var queuedCount: Int { queue.count }

  subscript(path: BytePath, dot: Dot) -> Item? { items[FetchKey(path: path, dot: dot)] }
  var keys: some Sequence<FetchKey> { items.keys }
  func dots(at path: BytePath) -> [Dot] { byPath[path] ?? [] }
  var all: [Item] { Array(items.values) }

  /// Adds an item, or joins its origins to the one that is there. Returns older versions it supersedes, removed.
  mutating func add(_ item: Item) -> [Item] {
    let key = item.key
    if var existing = items[key] {
      existing.origins += item.origins
      existing.isDerived = existing.isDerived && item.isDerived
      if existing.content == nil, let content = item.content {
        existing.content = content
        inlineBytes += content.count
      }
      items[key] = existing
      return []
    }
    var superseded: [Item] = []
    for other in dots(at: item.path) {
      if let old = self[item.path, other], item.entry.version.covers(old.entry.version) {
        superseded.append(old)
        remove(item.path, other)
      }
    }
    items[key] = item
    if byPath[item.path] == nil { count(item.path, by: 1) }
    byPath[item.path, default: []].append(key.dot)
    queue.append(key)
    inlineBytes += item.content?.count ?? 0
    count += 1
    if item.entry.isConflictCopy { copyCount += 1 }
    countUse(of: item.stagedName, by: 1)
    return superseded
  }

  /// No other item that waits holds this staged file: a copy may have taken it over from the item it was fetched for.
  func isUnused(_ stagedName: String, besides item: Item) -> Bool {
    let own = items[item.key]?.stagedName == stagedName ? 1 : 0
    return stagedUses[stagedName] ?? 0 == own
  }

  private mutating func countUse(of stagedName: String?, by step: Int) {
    guard let stagedName else { return }
    let sum = (stagedUses[stagedName] ?? 0) + step
    stagedUses[stagedName] = sum == 0 ? nil : sum
  }

  /// A directory that is to be made above this path, and that no batch is working on yet.
  func isParentWaiting(_ path: BytePath) -> Bool {
    var parent = path.parent
    while !parent.isRoot {
      for dot in dots(at: parent) {
        guard let item = self[parent, dot], item.entry.value?.isDirectory == true else { continue }
        if case .applying = item.state { continue }
        return true
      }
      parent = parent.parent
    }
    return false
  }

  /// Something waits below this path.
  func hasDescendants(of path: BytePath) -> Bool { below[path] != nil }

  /// Counts a path for all directories above it, or takes it out again.
  private mutating func count(_ path: BytePath, by step: Int) {
    var parent = path.parent
    while !parent.isRoot {
      let sum = (below[parent] ?? 0) + step
      below[parent] = sum == 0 ? nil : sum
      parent = parent.parent
    }
  }

  /// Conflict copies of this path that this node derived and has no bytes of.
  func derivedCopies(of path: BytePath) -> [Item] {
    guard copyCount > 0 else { return [] }
    return all.filter { $0.isDerived && ConflictName.isCopy($0.path, of: path) }
  }

  /// True if a version that waits here has seen this one.
  func supersedes(_ path: BytePath, _ version: Version) -> Item? {
    for dot in dots(at: path) {
      if let item = self[path, dot], dot != version.dot, item.entry.version.covers(version) { return item }
    }
    return nil
  }

  /// Another live version that has seen this one, and whose record was made, is to take its place. The same version, whose
  /// holder has seen more, takes nothing away.
  func isReplaced(_ path: BytePath, _ version: Version) -> Bool {
    dots(at: path).contains { dot in
      guard dot != version.dot, let item = self[path, dot] else { return false }
      return item.record != nil && !item.entry.isDeleted && item.entry.version.covers(version)
    }
  }

  mutating func remove(_ path: BytePath, _ dot: Dot) {
    guard let item = items.removeValue(forKey: FetchKey(path: path, dot: dot)) else { return }
    byPath[path]?.removeAll { $0 == dot }
    if byPath[path]?.isEmpty == true {
      byPath[path] = nil
      count(path, by: -1)
    }
    inlineBytes -= item.content?.count ?? 0
    count -= 1
    if item.entry.isConflictCopy { copyCount -= 1 }
    countUse(of: item.stagedName, by: -1)
  }

  mutating func update(_ path: BytePath, _ dot: Dot, _ change: (inout Item) -> Void) {
    let key = FetchKey(path: path, dot: dot)
    guard let index = items.index(forKey: key) else { return }
    let (before, staged) = (items.values[index].content?.count ?? 0, items.values[index].stagedName)
    change(&items.values[index])
    inlineBytes += (items.values[index].content?.count ?? 0) - before
    let name = items.values[index].stagedName
    guard name != staged else { return }
    countUse(of: staged, by: -1)
    countUse(of: name, by: 1)
  }

  /// The records of these items are in the store, up to this sequence.
  mutating func recorded(_ items: [FetchKey], at sequence: UInt64) {
    for key in items { update(key.path, key.dot) { $0.record = sequence } }
  }

  mutating func requeue(_ path: BytePath, _ dot: Dot) {
    guard self[path, dot] != nil else { return }
    update(path, dot) { $0.state = .queued }
    queue.append(FetchKey(path: path, dot: dot))
  }

  /// What may be worked on now, and whether something waits for its path to be free.
  struct Taken {
    var items: [Item] = []
    var isHeldUp = false
  }

  /// Up to `limit` queued items of as many paths; the others stay queued, as do those whose record is not durable yet.
  mutating func takeQueued(limit: Int, durable: UInt64, where isFree: (BytePath) -> Bool) -> Taken {
    var taken = Taken()
    var paths: Set<BytePath> = []
    var rest: [FetchKey] = []
    var index = 0
    while index < queue.count, taken.items.count < limit {
      let key = queue[index]
      index += 1
      guard let at = items.index(forKey: key), case .queued = items.values[at].state else { continue }
      let isDurable = items.values[at].record.map { $0 <= durable } ?? false
      if isDurable, isFree(key.path), paths.insert(key.path).inserted {
        taken.items.append(items.values[at])
        items.values[at].state = .applying
      } else {
        taken.isHeldUp = taken.isHeldUp || isDurable
        rest.append(key)
      }
    }
    rest += queue[index...]
    queue = rest
    return taken
  }

  /// Requeues what is blocked and due; with `path`, that one whatever its time. Returns when the next of the others is.
  @discardableResult
  mutating func requeueDue(now: UInt64, path only: BytePath? = nil) -> UInt64? {
    var due: [FetchKey] = []
    var next: UInt64?
    for (key, item) in items {
      guard case .blocked(_, let retryAt, _) = item.state else { continue }
      if only.map({ key.path.isWithin($0) }) ?? (retryAt <= now) {
        due.append(key)
      } else {
        next = min(next ?? retryAt, retryAt)
      }
    }
    for key in due { requeue(key.path, key.dot) }
    return next
  }
}
