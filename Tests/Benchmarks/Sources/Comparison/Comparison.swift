import Glibc
import SoftadastraCore
import SoftadastraStore
import Synchronization
import Yardsticks

/// Our store beside SQLite, LMDB and RocksDB: the same work, one after the other, in one process.
///
/// `compare-stores [ENTRIES [ROUNDS [DATABASE ...]]]`; by default a million entries, two rounds and all four.
@main
struct CompareStores {
  static let singles = 2000
  static let batches = 100
  static let batchSize = 1000
  static let total = 1_000_000
  static let gets = 1_000_000

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    let count = arguments.first.flatMap { Int($0) } ?? total
    let rounds = arguments.dropFirst().first.flatMap { Int($0) } ?? 2
    let chosen = arguments.count > 2 ? Array(arguments.dropFirst(2)) : Table.databases
    var table = Table()
    let scratch = try ScratchDirectory("compare")
    // Twice in turn, and the better of both: whoever shares the machine disturbs one of them.
    for round in 1...max(1, rounds) {
      let types: [any Database.Type] = [
        SoftadastraDatabase.self, SQLiteDatabase.self, LMDBDatabase.self, RocksDatabase.self,
      ]
      for type in types where chosen.contains(type.name) { try measure(type, count, scratch, round, &table) }
      try await writers(scratch, chosen, &table)
    }
    table.show()
  }

  static func measure<D: Database>(
    _ type: D.Type, _ count: Int, _ scratch: ScratchDirectory, _ round: Int, _ table: inout Table
  ) throws {
    let directory = try scratch.directory("\(D.name)-\(round)")
    var database = try D(directory: directory)
    var next = 0
    func pairs(_ count: Int) -> [Pair] {
      defer { next += count }
      return (next..<next + count).map { Pair($0) }
    }
    let single = pairs(singles)
    table.add(
      D.name, .single, Double(singles) / (try Stopwatch.seconds { for pair in single { try database.put([pair]) } }))
    let groups = (0..<batches).map { _ in pairs(batchSize) }
    table.add(
      D.name, .batch,
      Double(batches * batchSize) / (try Stopwatch.seconds { for group in groups { try database.put(group) } }))
    while next < count { try database.put(pairs(min(20_000, count - next))) }

    // Among entries that fit our store's cache of 32 MiB, as those that a node reads again and again do.
    let keys = (0..<gets).map { Pair.key($0 &* 7_907 % min(100_000, count)) }
    for key in keys.prefix(200_000) { _ = try database.get(key) }
    var found = 0
    table.add(
      D.name, .get,
      1e6 * (try Stopwatch.seconds { for key in keys { found += try database.get(key) ?? 0 } }) / Double(gets))
    guard found == gets * Pair.valueBytes else { throw YardstickError("\(D.name) lost something") }

    let prefix = Array("kv/".utf8)
    var bytes = 0
    let scan = try Stopwatch.seconds { bytes = try database.scan(from: prefix, limit: count) }
    guard bytes == count * 15 else { throw YardstickError("\(D.name) scanned \(bytes) bytes") }
    table.add(D.name, .scan, Double(count) / scan / 1e6)

    if let ours = database as? SoftadastraDatabase { try recovery(ours, directory, count, &table) }
    try database.close()
    table.add(D.name, .open, try Stopwatch.seconds { database = try D(directory: directory) })
    guard try database.get(Pair.key(count - 1)) == Pair.valueBytes else {
      throw YardstickError("\(D.name) lost the last")
    }
    try database.close()
  }

  /// From the log alone, as after a crash: without the checkpoint that closing writes.
  static func recovery(_ ours: SoftadastraDatabase, _ directory: String, _ count: Int, _ table: inout Table) throws {
    try ours.close()
    unlink(directory + "/checkpoint")
    var opened: SoftadastraDatabase?
    table.add("Softadastra", .replay, try Stopwatch.seconds { opened = try SoftadastraDatabase(directory: directory) })
    guard let opened, opened.store.entryCount == count else { throw YardstickError("the replay lost something") }
    try opened.store.checkpoint()
    try opened.close()
  }

  /// 64 tasks, each waiting for its own put before the next.
  static func writers(_ scratch: ScratchDirectory, _ chosen: [String], _ table: inout Table) async throws {
    let ours = try SoftadastraDatabase(directory: try scratch.directory("writers-\(table.rounds)"))
    table.rounds += 1
    let each = 4000
    let store = ours.store
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<64 {
        group.addTask {
          for at in 0..<each {
            let pair = Pair(writer * each + at)
            try await store.wait(try store.commit([.put(key: pair.key, value: pair.value, version: nil)]))
          }
        }
      }
      try await group.waitForAll()
    }
    table.add("Softadastra", .writers, Double(64 * each) / Stopwatch.seconds(since: start))
    try ours.close()
    guard chosen.contains(RocksDatabase.name) else { return }
    let rocks = try RocksDatabase(directory: try scratch.directory("writers-rocks-\(table.rounds)"))
    table.add("RocksDB", .writers, try threads(rocks, each: 400))
    try rocks.close()
  }

  static func threads(_ rocks: RocksDatabase, each: Int) throws -> Double {
    let shared = Shared(rocks)
    let start = ContinuousClock.now
    var threads: [pthread_t] = []
    for writer in 0..<64 {
      let work = Shared.Work(shared, writer, each)
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        {
          Unmanaged<Shared.Work>.fromOpaque($0!).takeRetainedValue().run()
          return nil
        }, Unmanaged.passRetained(work).toOpaque())
      threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    return Double(64 * each) / Stopwatch.seconds(since: start)
  }
}

/// A database that takes writes from any thread.
final class Shared: @unchecked Sendable {
  let database: RocksDatabase
  init(_ database: RocksDatabase) { self.database = database }

  final class Work {
    let shared: Shared
    let writer: Int
    let each: Int
    init(_ shared: Shared, _ writer: Int, _ each: Int) {
      self.shared = shared
      self.writer = writer
      self.each = each
    }
    func run() { for at in 0..<each { try? shared.database.put([Pair(writer * each + at)]) } }
  }
}
