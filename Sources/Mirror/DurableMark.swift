public import SoftadastraCore
public import SoftadastraStore
internal import SoftadastraSync

/// Up to which of the store's sequences everything that is recorded of a folder is on its disk for certain.
///
/// | field    | form                                                       |
/// | -------- | ---------------------------------------------------------- |
/// | sequence | u64                                                        |
/// | at       | u64: wall clock in ms; 0 where an older program wrote it   |
public struct DurableMark: Sendable, Hashable {
  public let sequence: UInt64
  /// By this machine's clock.
  public let wallMilliseconds: UInt64

  static func key(_ folder: FolderID) -> [UInt8] { StoreKey.setting("durable/\(folder)") }

  func mutation(_ folder: FolderID) -> Mutation {
    var writer = ByteWriter(capacity: 16)
    writer.uint64(sequence)
    writer.uint64(wallMilliseconds)
    return .put(key: Self.key(folder), value: writer.bytes, version: nil)
  }

  /// Nil before the first.
  public static func read(_ folder: FolderID, in store: Store) throws(SoftadastraError) -> DurableMark? {
    guard let entry = try store.get(key(folder)) else { return nil }
    do {
      return try decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
        let sequence = try reader.uint64()
        return DurableMark(sequence: sequence, wallMilliseconds: reader.remaining > 0 ? try reader.uint64() : 0)
      }
    } catch {
      throw SoftadastraError(.damaged, "durable mark", why: "\(error)", hint: "run softadastra wal verify")
    }
  }
}
