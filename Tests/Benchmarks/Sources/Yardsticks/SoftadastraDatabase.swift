internal import SoftadastraCore
public import SoftadastraStore
internal import SoftadastraWAL

/// Our own store, with the options that a node uses.
public struct SoftadastraDatabase: Database {
  public static let name = "Softadastra"
  public let store: Store

  public init(directory: String) throws {
    store = try Store.open(
      disk: try SystemDisk(path: directory), options: StoreOptions(), time: SystemTime(), random: SystemRandom())
  }

  public func put(_ pairs: [Pair]) throws {
    try store.commitBlocking(pairs.map { .put(key: $0.key, value: $0.value, version: nil) })
  }

  public func get(_ key: [UInt8]) throws -> Int? { try store.get(key)?.value.count }

  public func scan(from key: [UInt8], limit: Int) throws -> Int {
    var bytes = 0
    for entry in store.list(prefix: key, limit: limit) { bytes += entry.key.count }
    return bytes
  }

  public func close() throws { store.closeBlocking() }
}
