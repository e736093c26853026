import Benchmark
import Dispatch
import SoftadastraCore
import SoftadastraStore
import SoftadastraWAL
import Yardsticks

/// The store beside other databases.
enum StoreRaces {
  static let entries = 200_000
  static let gets = 100_000
  static let singles = 100
  static let batches = 10
  static let batchSize = 1000
  static let writers = 64
  static let writes = 100

  static var all: [Race] {
    [
      Race("store put, one", against: SQLiteDatabase.name, in: "puts") {
        let (ours, other, scratch) = try pair(SQLiteDatabase.self, holding: 0)
        return (putting(ours, scratch, singles, 1), putting(other, scratch, singles, 1))
      },
      Race("store put, 1,000", against: LMDBDatabase.name, in: "puts") {
        let (ours, other, scratch) = try pair(LMDBDatabase.self, holding: 0)
        return (putting(ours, scratch, batches, batchSize), putting(other, scratch, batches, batchSize))
      },
      Race("store put, 64 writers", against: "pwrite and fdatasync", in: "puts") {
        let scratch = try ScratchDirectory("store")
        let ours = try SoftadastraDatabase(directory: try scratch.directory("ours"))
        let bare = try BareFile(scratch.path + "/bare")
        return (
          scratch.kept { try crowd(ours.store) },
          { try Rate.of(singles) { for _ in 0..<singles { try bare.append(156) } } }
        )
      },
      Race("store get", against: LMDBDatabase.name, in: "gets") {
        let (ours, other, scratch) = try pair(LMDBDatabase.self, holding: entries)
        return (getting(ours, scratch), getting(other, scratch))
      },
      Race("store scan", against: LMDBDatabase.name, in: "entries") {
        let (ours, other, scratch) = try pair(LMDBDatabase.self, holding: entries)
        return (scanning(ours, scratch), scanning(other, scratch))
      },
      Race("store open", against: "a dictionary of the same keys", in: "entries") {
        let scratch = try ScratchDirectory("store")
        let directory = try scratch.directory("ours")
        let ours = try SoftadastraDatabase(directory: directory)
        try fill(ours, entries)
        try ours.close()
        let keys = (0..<entries).map { Pair.key($0) }
        return (
          scratch.kept {
            var opened: SoftadastraDatabase?
            let rate = try Rate.of(entries) { opened = try SoftadastraDatabase(directory: directory) }
            try opened?.close()
            return rate
          },
          {
            var table: [[UInt8]: Int] = [:]
            return Rate.of(entries) {
              for (at, key) in keys.enumerated() { table[key] = at }
              blackHole(table.count)
            }
          }
        )
      },
    ]
  }

  private static func pair<D: Database>(_ type: D.Type, holding count: Int) throws
    -> (ours: SoftadastraDatabase, other: D, scratch: ScratchDirectory)
  {
    let scratch = try ScratchDirectory("store")
    let ours = try SoftadastraDatabase(directory: try scratch.directory("ours"))
    let other = try D(directory: try scratch.directory("other"))
    try fill(ours, count)
    try fill(other, count)
    return (ours, other, scratch)
  }

  private static func fill(_ database: some Database, _ count: Int) throws {
    for start in stride(from: 0, to: count, by: 20_000) {
      try database.put((start..<min(count, start + 20_000)).map { Pair($0) })
    }
  }

  private static func putting(
    _ database: some Database, _ scratch: ScratchDirectory, _ commits: Int, _ size: Int
  ) -> () throws -> Rate {
    var next = 0
    return scratch.kept {
      let groups = (0..<commits).map { commit in (0..<size).map { Pair(next + commit * size + $0) } }
      next += commits * size
      return try Rate.of(commits * size) { for group in groups { try database.put(group) } }
    }
  }

  private static func getting(_ database: some Database, _ scratch: ScratchDirectory) -> () throws -> Rate {
    let keys = (0..<gets).map { Pair.key($0 &* 7_907 % entries) }
    return scratch.kept {
      var found = 0
      let rate = try Rate.of(gets) { for key in keys { found += try database.get(key) ?? 0 } }
      guard found == gets * Pair.valueBytes else { throw YardstickError("something is lost") }
      return rate
    }
  }

  private static func scanning(_ database: some Database, _ scratch: ScratchDirectory) -> () throws -> Rate {
    let prefix = Array("kv/".utf8)
    return scratch.kept {
      return try Rate.of(entries) { blackHole(try database.scan(from: prefix, limit: entries)) }
    }
  }

  /// Tasks that each wait for their own put before the next.
  private static func crowd(_ store: Store) throws -> Rate {
    let done = DispatchSemaphore(value: 0)
    return Rate.of(writers * writes) {
      Task.detached {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for writer in 0..<writers {
            group.addTask {
              for at in 0..<writes {
                let pair = Pair(writer * writes + at)
                try await store.wait(try store.commit([.put(key: pair.key, value: pair.value, version: nil)]))
              }
            }
          }
          try await group.waitForAll()
        }
        done.signal()
      }
      done.wait()
    }
  }
}
