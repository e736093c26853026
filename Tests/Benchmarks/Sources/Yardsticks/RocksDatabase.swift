internal import CYardsticks

/// RocksDB with its defaults and `sync` set: every write is in its log, synced, before it returns.
public final class RocksDatabase: Database {
  public static let name = "RocksDB"
  private let database: OpaquePointer?
  private let writing = rocksdb_writeoptions_create()
  private let reading = rocksdb_readoptions_create()

  public init(directory: String) throws {
    let options = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(options, 1)
    defer { rocksdb_options_destroy(options) }
    var error: UnsafeMutablePointer<CChar>?
    database = rocksdb_open(options, directory, &error)
    rocksdb_writeoptions_set_sync(writing, 1)
    try check(error)
  }

  public func put(_ pairs: [Pair]) throws {
    let batch = rocksdb_writebatch_create()
    defer { rocksdb_writebatch_destroy(batch) }
    for pair in pairs {
      with(pair.key) { key, keyCount in
        with(pair.value) { value, valueCount in rocksdb_writebatch_put(batch, key, keyCount, value, valueCount) }
      }
    }
    var error: UnsafeMutablePointer<CChar>?
    rocksdb_write(database, writing, batch, &error)
    try check(error)
  }

  public func get(_ key: [UInt8]) throws -> Int? {
    var error: UnsafeMutablePointer<CChar>?
    var count = 0
    let value = with(key) { rocksdb_get(database, reading, $0, $1, &count, &error) }
    try check(error)
    guard let value else { return nil }
    defer { rocksdb_free(value) }
    return count
  }

  public func scan(from key: [UInt8], limit: Int) throws -> Int {
    let iterator = rocksdb_create_iterator(database, reading)
    defer { rocksdb_iter_destroy(iterator) }
    with(key) { rocksdb_iter_seek(iterator, $0, $1) }
    var bytes = 0
    var seen = 0
    while seen < limit, rocksdb_iter_valid(iterator) != 0 {
      var count = 0
      _ = rocksdb_iter_key(iterator, &count)
      bytes += count
      seen += 1
      rocksdb_iter_next(iterator)
    }
    return bytes
  }

  public func close() throws {
    rocksdb_writeoptions_destroy(writing)
    rocksdb_readoptions_destroy(reading)
    rocksdb_close(database)
  }

  private func with<R>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>?, Int) -> R) -> R {
    bytes.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
  }

  private func check(_ error: UnsafeMutablePointer<CChar>?) throws {
    guard let error else { return }
    defer { rocksdb_free(error) }
    throw YardstickError("RocksDB: \(String(cString: error))")
  }
}
