internal import SoftadastraCore

/// The names with something to report, or under writing: open addressing over (directory, name bytes).
///
/// A lookup allocates nothing. Dead entries are swept when a batch was taken, never in between, so indexes hold.
struct PendingNames {
  struct Entry {
    let node: WatchNode
    fileprivate let hash: UInt64
    fileprivate let start: Int
    fileprivate let count: Int
    fileprivate(set) var isReady = false
    /// Monotonic nanoseconds of the first write since the last report; 0 if the file is not under writing.
    var writingSince: UInt64 = 0
    var lastWrite: UInt64 = 0
    /// Somebody wrote to it since the last report. Closing alone does not tell: a received file may be closed after it
    /// got its name.
    fileprivate(set) var isWritten = false
    /// It appeared, but no write was seen.
    var isOnlyCreated = false
    fileprivate var isLive = true
  }

  private(set) var entries: [Entry] = []
  private var names: [UInt8] = []
  private var slots: [Int32] = Array(repeating: -1, count: 256)
  private var ready: [Int] = []
  private var live = 0
  /// No file under writing is due before this.
  private(set) var nextDeadline = UInt64.max

  var hasReady: Bool { !ready.isEmpty }

  private static func hash(_ node: WatchNode, _ name: UnsafeRawBufferPointer) -> UInt64 {
    Checksum.xxh3(name, seed: node.id)
  }

  /// The entry's index, valid until the next `takeReady`.
  func find(_ node: WatchNode, _ name: UnsafeRawBufferPointer) -> Int? {
    let hash = Self.hash(node, name)
    return lookUp(node, name, hash)
  }

  private func lookUp(_ node: WatchNode, _ name: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      let entry = entries[index]
      if entry.isLive, entry.hash == hash, entry.node === node, entry.count == name.count,
        names[entry.start..<(entry.start + entry.count)].elementsEqual(name)
      {
        return index
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  mutating func findOrInsert(_ node: WatchNode, _ name: UnsafeRawBufferPointer) -> Int {
    let hash = Self.hash(node, name)
    if let found = lookUp(node, name, hash) { return found }
    if (entries.count + 1) * 2 > slots.count { resize(slots.count * 2) }
    entries.append(Entry(node: node, hash: hash, start: names.count, count: name.count))
    names.append(contentsOf: name)
    live += 1
    place(entries.count - 1)
    return entries.count - 1
  }

  private mutating func place(_ index: Int) {
    var slot = Int(truncatingIfNeeded: entries[index].hash) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(index)
  }

  private mutating func resize(_ count: Int) {
    slots = Array(repeating: -1, count: count)
    for index in entries.indices where entries[index].isLive { place(index) }
  }

  func name(_ index: Int) -> [UInt8] {
    Array(names[entries[index].start..<(entries[index].start + entries[index].count)])
  }

  mutating func markReady(_ index: Int) {
    guard !entries[index].isReady else { return }
    entries[index].isReady = true
    ready.append(index)
  }

  mutating func startWriting(_ index: Int, since: UInt64, last: UInt64, deadline: UInt64) {
    entries[index].writingSince = since
    entries[index].lastWrite = last
    nextDeadline = min(nextDeadline, deadline)
  }

  mutating func touch(_ index: Int, _ now: UInt64) {
    entries[index].lastWrite = now
    entries[index].isOnlyCreated = false
    entries[index].isWritten = true
  }

  mutating func endWriting(_ index: Int) { entries[index].writingSince = 0 }

  mutating func setWritten(_ index: Int) { entries[index].isWritten = true }

  mutating func setOnlyCreated(_ index: Int) { entries[index].isOnlyCreated = true }

  mutating func remove(_ index: Int) {
    guard entries[index].isLive else { return }
    entries[index].isLive = false
    live -= 1
  }

  /// Marks what has been quiet long enough, or is written for too long.
  mutating func expire(_ now: UInt64, quiet: UInt64, created: UInt64, busy: UInt64, all: Bool) {
    guard all || now >= nextDeadline else { return }
    nextDeadline = .max
    for index in entries.indices where entries[index].isLive && entries[index].writingSince > 0 {
      let entry = entries[index]
      let quietAt = entry.lastWrite + (entry.isOnlyCreated ? created : quiet)
      let busyAt = entry.writingSince + busy
      // Without a write there is nothing more to wait for: if one comes it begins anew.
      if quietAt <= now || all && entry.isOnlyCreated {
        entries[index].writingSince = 0
        markReady(index)
      } else if busyAt <= now || all {
        entries[index].writingSince = now
        markReady(index)
        nextDeadline = min(nextDeadline, quietAt, now + busy)
      } else {
        nextDeadline = min(nextDeadline, quietAt, busyAt)
      }
    }
  }

  /// Takes what is ready; files under writing stay. A name in a directory that is in the middle of a rename waits.
  mutating func takeReady(_ body: (_ path: BytePath, _ isWritten: Bool) -> Void) {
    var waiting: [Int] = []
    for index in ready where entries[index].isLive {
      if let path = entries[index].node.path(appending: name(index)) {
        body(path, entries[index].isWritten)
      } else if !entries[index].node.isRemoved, entries[index].node.parent == nil {
        waiting.append(index)
        continue
      }
      entries[index].isReady = false
      entries[index].isWritten = false
      if entries[index].writingSince == 0 || entries[index].node.isRemoved { remove(index) }
    }
    ready = waiting
    sweep()
  }

  private static let sweepAbove = 1024

  private mutating func sweep() {
    if live == 0 {
      entries.removeAll(keepingCapacity: entries.count < 4096)
      names.removeAll(keepingCapacity: names.count < 128 << 10)
      ready.removeAll()
      nextDeadline = .max
      slots = Array(repeating: -1, count: min(slots.count, 4096))
    } else if entries.count - live > max(Self.sweepAbove, live) {
      let old = (entries, names)
      entries.removeAll()
      names.removeAll()
      ready.removeAll()
      for var entry in old.0 where entry.isLive {
        let start = names.count
        names.append(contentsOf: old.1[entry.start..<(entry.start + entry.count)])
        entry = Entry(entry, start: start)
        if entry.isReady { ready.append(entries.count) }
        entries.append(entry)
      }
      resize(slots.count)
    }
  }
}

extension PendingNames.Entry {
  fileprivate init(_ other: Self, start: Int) {
    node = other.node
    hash = other.hash
    self.start = start
    count = other.count
    isReady = other.isReady
    writingSince = other.writingSince
    lastWrite = other.lastWrite
    isWritten = other.isWritten
    isOnlyCreated = other.isOnlyCreated
  }
}
