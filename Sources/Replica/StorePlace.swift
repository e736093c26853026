public import SoftadastraCore
public import SoftadastraStore
internal import SoftadastraSync

/// Where a state directory lies: what tells it from its own copy on this machine or on another.
///
/// | field   | form   | meaning                                                    |
/// | ------- | ------ | ---------------------------------------------------------- |
/// | format  | u8 = 1 |                                                            |
/// | machine | text   | the machine's ID; empty where it has none                  |
/// | inode   | u64    | of the log's directory                                     |
/// | born    | i64    | when that directory was made, in ns since 1970; 0: unknown |
public struct StorePlace: Sendable, Hashable {
  static let maxMachineBytes = 256
  private static let setting = "place"

  public var machine: String
  public var inode: UInt64
  public var born: Int64

  public init(machine: String, inode: UInt64, born: Int64) {
    self.machine = machine
    self.inode = inode
    self.born = born
  }

  /// Some filesystems number their inodes anew at each mount: the same time of birth then shows that it is the same
  /// directory. A copy has neither.
  public func isCopy(of recorded: StorePlace) -> Bool {
    machine != recorded.machine || (inode != recorded.inode && (born != recorded.born || born == 0))
  }

  /// As the store recorded it; nil in a new store.
  public static func recorded(in store: Store) throws(SoftadastraError) -> StorePlace? {
    guard let entry = try store.get(StoreKey.setting(setting)) else { return nil }
    return try? decode(entry.value) { (reader: inout ByteReader) throws(CodingError) in
      guard try reader.uint8() == 1 else { throw .invalid(what: "place") }
      return StorePlace(
        machine: try reader.text(limit: maxMachineBytes, "machine"), inode: try reader.uint64(),
        born: try reader.int64())
    }
  }

  public var mutation: Mutation {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.text(machine)
    writer.uint64(inode)
    writer.int64(born)
    return .put(key: StoreKey.setting(Self.setting), value: writer.bytes, version: nil)
  }
}
