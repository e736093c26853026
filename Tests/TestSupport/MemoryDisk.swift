public import Glibc
public import SoftadastraCore
internal import Synchronization

/// A directory in memory that loses power on request.
///
/// What a crash leaves is what a disk may leave: of the writes since a file's last sync any subset, each whole or
/// torn at a sector, and of the names changed since the last directory sync a leading part.
public final class MemoryDisk: Disk {
  public static let sectorBytes = 512

  /// What a call does; a fault names one.
  public enum Operation: Sendable, Hashable { case open, write, sync, rename, remove, syncDirectory, truncate }

  fileprivate struct Content {
    var now: [UInt8] = []
    var durable: [UInt8] = []
    var unsynced: [Change] = []
  }

  fileprivate enum Change {
    case write(Int, [UInt8])
    case truncate(Int)
  }

  fileprivate enum NameChange {
    case bind(String, Int)
    case unbind(String)
    case rename(String, String, Int)
  }

  fileprivate struct State {
    var files: [Int: Content] = [:]
    var nextFile = 0
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var nameChanges: [NameChange] = []
    var locks: Set<String> = []
    /// Bytes that all files may have together.
    var capacity = Int.max
    var faults: [(operation: Operation, after: Int, count: Int, errno: Int32)] = []
    var calls = 0
    /// Reads of these bytes fail.
    var badSpots: [(name: String, bytes: Range<Int>)] = []
    /// After this many changing calls the disk is dead.
    var callsToDeath: Int?
    var isDead = false
  }

  fileprivate let state = Mutex(State())
  public let location = "memory disk"

  public init() {}

  // MARK: Faults

  /// Lets `after` calls of the kind pass, then fails `count` of them.
  public func fail(_ operation: Operation, after: Int = 0, count: Int = 1, errno: Int32 = EIO) {
    state.withLock { $0.faults.append((operation, after, count, errno)) }
  }

  /// Lets every read of these bytes fail, until the file bears another name or content.
  public func spoil(_ name: String, _ bytes: Range<Int>) { state.withLock { $0.badSpots.append((name, bytes)) } }

  public func clearSpots() { state.withLock { $0.badSpots = [] } }

  public func clearFaults() { state.withLock { $0.faults = [] } }

  /// Writes beyond this fail with `ENOSPC`.
  public func setCapacity(_ bytes: Int) { state.withLock { $0.capacity = bytes } }

  /// From the nth changing call on, every call fails: the power is gone.
  public func die(afterCalls count: Int) { state.withLock { $0.callsToDeath = $0.calls + count } }

  /// Changing calls so far.
  public var callCount: Int { state.withLock { $0.calls } }

  /// The disk as the next boot finds it. This one is dead from now on.
  public func crash(seed: UInt64) -> MemoryDisk {
    var random = SeededRandom(seed: seed)
    let next = MemoryDisk()
    state.withLock { state in
      state.isDead = true
      var names = state.durableNames
      let kept = state.nameChanges.isEmpty ? 0 : random.below(state.nameChanges.count + 1)
      for change in state.nameChanges.prefix(kept) { Self.apply(change, &names) }
      var files: [Int: Content] = [:]
      for file in Set(names.values) {
        guard let content = state.files[file] else { continue }
        let bytes = Self.afterCrash(content, &random)
        files[file] = Content(now: bytes, durable: bytes)
      }
      let nextFile = state.nextFile
      next.state.withLock {
        $0.names = names
        $0.durableNames = names
        $0.files = files
        $0.nextFile = nextFile
      }
    }
    return next
  }

  /// The disk as another process finds it after this one was killed: all that was written is there.
  public func kill() -> MemoryDisk {
    let next = backup()
    state.withLock { $0.isDead = true }
    return next
  }

  /// Another disk that holds what this one holds now.
  public func backup() -> MemoryDisk {
    let next = MemoryDisk()
    state.withLock { state in
      let copy = state
      next.state.withLock {
        $0.names = copy.names
        $0.durableNames = copy.durableNames
        $0.nameChanges = copy.nameChanges
        $0.files = copy.files
        $0.nextFile = copy.nextFile
      }
    }
    return next
  }

  private static func apply(_ change: NameChange, _ names: inout [String: Int]) {
    switch change {
    case .bind(let name, let file): names[name] = file
    case .unbind(let name): names[name] = nil
    case .rename(let from, let to, let file):
      names[from] = nil
      names[to] = file
    }
  }

  private static func afterCrash(_ content: Content, _ random: inout SeededRandom) -> [UInt8] {
    var bytes = content.durable
    for change in content.unsynced {
      switch change {
      case .truncate(let size):
        if random.below(2) == 0 { resize(&bytes, size) }
      case .write(let offset, let data):
        switch random.below(4) {
        case 0: continue
        case 1: put(&bytes, offset, data)
        default:
          // Sector by sector: each reached the platter or not.
          var at = 0
          while at < data.count {
            let end = min(data.count, at + sectorBytes - (offset + at) % sectorBytes)
            if random.below(2) == 0 { put(&bytes, offset + at, Array(data[at..<end])) }
            at = end
          }
        }
      }
    }
    return bytes
  }

  fileprivate static func put(_ bytes: inout [UInt8], _ offset: Int, _ data: [UInt8]) {
    if bytes.count < offset + data.count { resize(&bytes, offset + data.count) }
    bytes.replaceSubrange(offset..<offset + data.count, with: data)
  }

  fileprivate static func resize(_ bytes: inout [UInt8], _ size: Int) {
    if size < bytes.count {
      bytes.removeLast(bytes.count - size)
    } else {
      bytes += [UInt8](repeating: 0, count: size - bytes.count)
    }
  }

  // MARK: For looking and spoiling

  public func bytes(_ name: String) -> [UInt8]? {
    state.withLock { state in state.names[name].flatMap { state.files[$0]?.now } }
  }

  /// Puts bytes in a file's place, durably.
  public func replace(_ name: String, _ bytes: [UInt8]) {
    state.withLock { state in
      let file: Int
      if let known = state.names[name] {
        file = known
      } else {
        file = state.nextFile
        state.nextFile += 1
      }
      state.names[name] = file
      state.durableNames[name] = file
      state.files[file] = Content(now: bytes, durable: bytes)
    }
  }

  // MARK: Disk

  fileprivate func act<T: Sendable>(
    _ operation: Operation?, _ what: String, _ body: (inout State) -> Result<T, SoftadastraError>
  ) throws(SoftadastraError) -> T {
    let result = state.withLock { state -> Result<T, SoftadastraError> in
      if operation != nil, operation != .open {
        state.calls += 1
        if let limit = state.callsToDeath, state.calls > limit { state.isDead = true }
      }
      if state.isDead { return .failure(.system(EIO, what, at: location)) }
      for index in state.faults.indices where state.faults[index].operation == operation {
        if state.faults[index].after > 0 {
          state.faults[index].after -= 1
        } else if state.faults[index].count > 0 {
          state.faults[index].count -= 1
          return .failure(.system(state.faults[index].errno, what, at: location))
        }
      }
      return body(&state)
    }
    return try result.get()
  }

  public func list() throws(SoftadastraError) -> [String] {
    try act(nil, "list") { .success($0.names.keys.sorted()) }
  }

  public func open(_ name: String, create: Bool) throws(SoftadastraError) -> any DiskFile {
    let file = try act(.open, "open \(name)") { state -> Result<Int, SoftadastraError> in
      if let file = state.names[name] { return .success(file) }
      guard create else { return .failure(.system(ENOENT, "open", at: name)) }
      let file = state.nextFile
      state.nextFile += 1
      state.files[file] = Content()
      state.names[name] = file
      state.nameChanges.append(.bind(name, file))
      return .success(file)
    }
    return MemoryDiskFile(disk: self, file: file, name: name)
  }

  public func rename(_ from: String, to: String) throws(SoftadastraError) {
    try act(.rename, "rename \(from)") { state -> Result<Void, SoftadastraError> in
      guard let file = state.names.removeValue(forKey: from) else {
        return .failure(.system(ENOENT, "rename", at: from))
      }
      state.names[to] = file
      // One step: no crash shows both or neither.
      state.nameChanges.append(.rename(from, to, file))
      return .success(())
    }
  }

  public func remove(_ name: String) throws(SoftadastraError) {
    try act(.remove, "remove \(name)") { state -> Result<Void, SoftadastraError> in
      guard state.names.removeValue(forKey: name) != nil else {
        return .failure(.system(ENOENT, "remove", at: name))
      }
      state.nameChanges.append(.unbind(name))
      return .success(())
    }
  }

  public func syncDirectory() throws(SoftadastraError) {
    try act(.syncDirectory, "sync directory") { state -> Result<Void, SoftadastraError> in
      state.durableNames = state.names
      state.nameChanges = []
      return .success(())
    }
  }

  public func lock(_ name: String) throws(SoftadastraError) -> any DiskLock {
    try act(nil, "lock") { state -> Result<Void, SoftadastraError> in
      guard state.locks.insert(name).inserted else {
        return .failure(SoftadastraError(.conflict, "lock", at: name, why: "held by process \(getpid())"))
      }
      return .success(())
    }
    return MemoryLock(disk: self, name: name)
  }
}

private final class MemoryLock: DiskLock {
  let disk: MemoryDisk
  let name: String
  init(disk: MemoryDisk, name: String) {
    self.disk = disk
    self.name = name
  }
  deinit { disk.state.withLock { _ = $0.locks.remove(name) } }
}

private final class MemoryDiskFile: DiskFile {
  let disk: MemoryDisk
  let file: Int
  let name: String

  init(disk: MemoryDisk, file: Int, name: String) {
    self.disk = disk
    self.file = file
    self.name = name
  }

  func size() throws(SoftadastraError) -> UInt64 {
    try disk.act(nil, "size of \(name)") { .success(UInt64($0.files[self.file]?.now.count ?? 0)) }
  }

  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(SoftadastraError) -> Int {
    nonisolated(unsafe) let buffer = buffer
    return try disk.act(nil, "read \(name)") { state -> Result<Int, SoftadastraError> in
      guard let content = state.files[self.file], offset < UInt64(content.now.count) else { return .success(0) }
      let count = min(buffer.count, content.now.count - Int(offset))
      let asked = Int(offset)..<Int(offset) + count
      guard !state.badSpots.contains(where: { state.names[$0.name] == self.file && $0.bytes.overlaps(asked) }) else {
        return .failure(.system(EIO, "read", at: self.name))
      }
      content.now.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(offset) + count]))
      }
      return .success(count)
    }
  }

  func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(SoftadastraError) {
    let data = Array(bytes)
    try disk.act(.write, "write \(name)") { state -> Result<Void, SoftadastraError> in
      let before = state.files[self.file]?.now.count ?? 0
      let growth = max(0, Int(offset) + data.count - before)
      if growth > 0, state.capacity != .max {
        let used = Set(state.names.values).reduce(0) { $0 + (state.files[$1]?.now.count ?? 0) }
        if used + growth > state.capacity { return .failure(.system(ENOSPC, "write", at: self.name)) }
      }
      MemoryDisk.put(&state.files[self.file, default: .init()].now, Int(offset), data)
      state.files[self.file]!.unsynced.append(.write(Int(offset), data))
      return .success(())
    }
  }

  /// A failed sync drops what it could not write, as Linux does: the next one reports success.
  func sync() throws(SoftadastraError) {
    do throws(SoftadastraError) {
      try disk.act(.sync, "sync \(name)") { state -> Result<Void, SoftadastraError> in
        for change in state.files[self.file]?.unsynced ?? [] {
          switch change {
          case .write(let offset, let data): MemoryDisk.put(&state.files[self.file]!.durable, offset, data)
          case .truncate(let size): MemoryDisk.resize(&state.files[self.file]!.durable, size)
          }
        }
        state.files[self.file]?.unsynced = []
        return .success(())
      }
    } catch {
      disk.state.withLock { if !$0.isDead { $0.files[file]?.unsynced = [] } }
      throw error
    }
  }

  func truncate(to size: UInt64) throws(SoftadastraError) {
    try disk.act(.truncate, "truncate \(name)") { state -> Result<Void, SoftadastraError> in
      MemoryDisk.resize(&state.files[self.file, default: .init()].now, Int(size))
      state.files[self.file]!.unsynced.append(.truncate(Int(size)))
      return .success(())
    }
  }
}

/// SplitMix64: the same seed, the same numbers.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}

/// The same as a source of randomness for the engine.
public final class SeededSource: RandomSource {
  private let generator: Mutex<SeededRandom>
  public init(seed: UInt64) { generator = Mutex(SeededRandom(seed: seed)) }
  public func next() -> UInt64 { generator.withLock { $0.next() } }
}
