internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// "This replica's history has forked at that counter": kept in the store until the fork is healed.
///
/// | field   | form   | meaning                                                     |
/// | ------- | ------ | ----------------------------------------------------------- |
/// | format  | u8 = 1 |                                                             |
/// | replica | u64    | the one that is given up                                    |
/// | counter | varint | its versions from here on are issued again under a new one  |
struct ForkMark: Sendable, Hashable {
  private static let key = StoreKey.setting("fork")

  var replica: ReplicaID
  var counter: UInt64

  static func read(from store: Store) throws(SoftadastraError) -> ForkMark? {
    guard let entry = try store.get(key) else { return nil }
    do {
      return try decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
        guard try reader.uint8() == 1 else { throw .invalid(what: "fork") }
        return ForkMark(replica: ReplicaID(rawValue: try reader.uint64()), counter: try reader.varint())
      }
    } catch {
      throw SoftadastraError(.damaged, "fork record", why: "\(error)", hint: "run softadastra wal verify")
    }
  }

  var mutation: Mutation {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.uint64(replica.rawValue)
    writer.varint(counter)
    return .put(key: Self.key, value: writer.bytes, version: nil)
  }

  static var removal: Mutation { .erase(key: key) }
}
