public import SoftadastraCore
internal import SoftadastraWAL
internal import Synchronization

extension Store {
  /// Opens the store in a directory, creating it if there is none. Blocks.
  ///
  /// One process at a time: `.conflict` names the other's ID. Damage in the log does not fail; see `log.damage`.
  public static func open(disk: any Disk, options: StoreOptions, time: any TimeSource, random: any RandomSource)
    throws(SoftadastraError) -> Store
  {
    if options.durability == .memory { return inMemory(time: time, random: random, sums: options.sums) }
    let lock = try disk.lock("lock")
    // Of a process that ended while it wrote one.
    try? disk.remove(CheckpointHead.temporaryName)
    var from: WALPosition?
    var state = loadCheckpoint(disk, options, &from)
    var unreadable: CodingError?
    if from == nil { state.index.beginLoading(about: expectedEntries(disk)) }
    var logOptions = WALOptions(durability: options.durability, segmentBytes: options.segmentBytes)
    logOptions.writer = options.writer
    let wal = try WriteAheadLog.open(
      disk: disk, options: logOptions, random: random, lock: lock, from: from
    ) { record throws(SoftadastraError) in
      do throws(CodingError) {
        try state.apply(kind: record.kind, position: record.position, payload: record.payload)
      } catch {
        // Its checksum holds, so it was written like that: by a newer program.
        unreadable = unreadable ?? error
      }
    }
    state.index.finishLoading()
    // Commits made while the checkpoint was written are in it, and replayed out of its order.
    if from != nil { state.index.sortFeed() }
    if let unreadable {
      wal.closeBlocking()
      throw SoftadastraError(
        .unsupported, "open store", at: disk.location, why: "a record is not known to this program: \(unreadable)",
        hint: "use the program that wrote it, or a newer one")
    }
    let store = Store(state: state, options: options, time: time, random: random, wal: wal, disk: disk)
    if store.state.withLock({ $0.replicaSequence == 0 }) { try store.resetReplica() }
    if DeliberateFault.counterReused.isOn { store.state.withLock { $0.counter -= min($0.counter, 3) } }
    store.startMaintenance(replayedFrom: from)
    return store
  }

  /// A store that is gone with its last reference.
  public static func inMemory(time: any TimeSource, random: any RandomSource, sums: SumRule? = nil) -> Store {
    let state = StoreState(replica: ReplicaID(rawValue: random.next()), cacheBytes: .max, sums: sums)
    return Store(
      state: state, options: StoreOptions(durability: .memory, sums: sums), time: time, random: random, wal: nil,
      disk: nil)
  }

  /// At most this many entries get room in advance: more make it themselves.
  private static let maxExpectedEntries = 1 << 20
  private static let logBytesPerEntry: UInt64 = 400

  /// A guess from the log's size, rather low: room that is not needed would be held for good.
  private static func expectedEntries(_ disk: any Disk) -> Int {
    var bytes: UInt64 = 0
    for name in (try? disk.list()) ?? [] where name.hasSuffix(".wal") {
      bytes += (try? disk.open(name, create: false).size()) ?? 0
    }
    return Int(clamping: min(bytes / logBytesPerEntry, UInt64(maxExpectedEntries)))
  }

  /// The state of the checkpoint and where to go on; an empty one if there is none that holds.
  private static func loadCheckpoint(
    _ disk: any Disk, _ options: StoreOptions, _ from: inout WALPosition?
  ) -> StoreState {
    func nothing() -> StoreState {
      StoreState(replica: ReplicaID(rawValue: 0), cacheBytes: options.cacheBytes, sums: options.sums)
    }
    guard let file = try? disk.open(CheckpointHead.fileName, create: false), let size = try? file.size(),
      let segments = try? WriteAheadLog.segments(of: disk)
    else { return nothing() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(clamping: size), alignment: 16)
    defer { buffer.deallocate() }
    guard let count = try? file.read(at: 0, into: buffer) else { return nothing() }
    do throws(CodingError) {
      return try StoreState.restore(
        UnsafeRawBufferPointer(rebasing: buffer[..<count]), options, segments: segments, replay: &from)
    } catch {
      // Only a shortcut: the log has everything.
      from = nil
      return nothing()
    }
  }
}
