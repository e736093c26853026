internal import CYardsticks

/// SQLite as its manual recommends it for this: write-ahead log, `synchronous=FULL`, prepared statements, a table
/// without row IDs.
public final class SQLiteDatabase: Database {
  public static let name = "SQLite"
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  private var database: OpaquePointer?
  private var insert: OpaquePointer?
  private var select: OpaquePointer?
  private var walk: OpaquePointer?

  public init(directory: String) throws {
    try check(sqlite3_open(directory + "/sqlite.db", &database))
    try execute("PRAGMA journal_mode=WAL")
    try execute("PRAGMA synchronous=FULL")
    try execute("PRAGMA cache_size=-262144")
    try execute("CREATE TABLE IF NOT EXISTS pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
    insert = try prepare("INSERT OR REPLACE INTO pairs VALUES (?, ?)")
    select = try prepare("SELECT value FROM pairs WHERE key = ?")
    walk = try prepare("SELECT key, value FROM pairs WHERE key >= ? ORDER BY key LIMIT ?")
  }

  public func put(_ pairs: [Pair]) throws {
    if pairs.count > 1 { try execute("BEGIN") }
    for pair in pairs {
      sqlite3_reset(insert)
      bind(insert, 1, pair.key)
      bind(insert, 2, pair.value)
      try check(sqlite3_step(insert), SQLITE_DONE)
    }
    sqlite3_reset(insert)
    if pairs.count > 1 { try execute("COMMIT") }
  }

  public func get(_ key: [UInt8]) throws -> Int? {
    sqlite3_reset(select)
    bind(select, 1, key)
    guard sqlite3_step(select) == SQLITE_ROW else { return nil }
    return copy(select, 0).count
  }

  public func scan(from key: [UInt8], limit: Int) throws -> Int {
    sqlite3_reset(walk)
    bind(walk, 1, key)
    sqlite3_bind_int64(walk, 2, Int64(limit))
    var bytes = 0
    while sqlite3_step(walk) == SQLITE_ROW { bytes += Int(sqlite3_column_bytes(walk, 0)) }
    sqlite3_reset(walk)
    return bytes
  }

  public func close() throws {
    for statement in [insert, select, walk] { sqlite3_finalize(statement) }
    try check(sqlite3_close(database))
  }

  private func copy(_ statement: OpaquePointer?, _ column: Int32) -> [UInt8] {
    Array(
      UnsafeRawBufferPointer(
        start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column))))
  }

  private func bind(_ statement: OpaquePointer?, _ at: Int32, _ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { sqlite3_bind_blob(statement, at, $0.baseAddress, Int32($0.count), Self.transient) }
  }

  private func prepare(_ text: String) throws -> OpaquePointer? {
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v2(database, text, -1, &statement, nil))
    return statement
  }

  private func execute(_ text: String) throws { try check(sqlite3_exec(database, text, nil, nil, nil)) }

  private func check(_ code: Int32, _ expected: Int32 = SQLITE_OK) throws {
    guard code == expected else { throw YardstickError("SQLite: \(String(cString: sqlite3_errmsg(database)))") }
  }
}
