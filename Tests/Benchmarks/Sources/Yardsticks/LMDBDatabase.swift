internal import CYardsticks

/// LMDB with its defaults: every commit is synced.
public final class LMDBDatabase: Database {
  public static let name = "LMDB"
  private static let mapBytes = 4 << 30
  private var environment: OpaquePointer?
  private var table: MDB_dbi = 0
  private var reading: OpaquePointer?

  public init(directory: String) throws {
    try check(mdb_env_create(&environment))
    try check(mdb_env_set_mapsize(environment, Self.mapBytes))
    try check(mdb_env_open(environment, directory, 0, 0o600))
    let transaction = try begin()
    try check(mdb_dbi_open(transaction, nil, 0, &table))
    try check(mdb_txn_commit(transaction))
  }

  public func put(_ pairs: [Pair]) throws {
    let transaction = try begin()
    for pair in pairs {
      try with(pair.key) { key in
        try with(pair.value) { value in
          var (key, value) = (key, value)
          try check(mdb_put(transaction, table, &key, &value, 0))
        }
      }
    }
    try check(mdb_txn_commit(transaction))
  }

  public func get(_ key: [UInt8]) throws -> Int? {
    // One reading transaction is renewed, as its manual advises.
    if reading == nil {
      try check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &reading))
    } else {
      try check(mdb_txn_renew(reading))
    }
    defer { mdb_txn_reset(reading) }
    return try with(key) { key in
      var key = key
      var value = MDB_val()
      let code = mdb_get(reading, table, &key, &value)
      if code == MDB_NOTFOUND { return nil }
      try check(code)
      return Array(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)).count
    }
  }

  public func scan(from key: [UInt8], limit: Int) throws -> Int {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction))
    defer { mdb_txn_abort(transaction) }
    var cursor: OpaquePointer?
    try check(mdb_cursor_open(transaction, table, &cursor))
    defer { mdb_cursor_close(cursor) }
    return try with(key) { start in
      var key = start
      var value = MDB_val()
      var bytes = 0
      var seen = 0
      var code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
      while code == MDB_SUCCESS, seen < limit {
        bytes += key.mv_size
        seen += 1
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
      }
      if code != MDB_NOTFOUND { try check(code) }
      return bytes
    }
  }

  public func close() throws {
    if let reading { mdb_txn_abort(reading) }
    mdb_env_close(environment)
  }

  private func begin() throws -> OpaquePointer? {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(environment, nil, 0, &transaction))
    return transaction
  }

  private func with<R>(_ bytes: [UInt8], _ body: (MDB_val) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes {
      try body(MDB_val(mv_size: $0.count, mv_data: UnsafeMutableRawPointer(mutating: $0.baseAddress)))
    }
  }

  private func check(_ code: Int32) throws {
    guard code == MDB_SUCCESS else { throw YardstickError("LMDB: \(String(cString: mdb_strerror(code)))") }
  }
}
