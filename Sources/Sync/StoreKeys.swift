public import SoftadastraCore

// The store's key space. The first byte is the namespace; upper case is this node's own and never replicated.
//
// | key                                         | what                                                     |
// | ------------------------------------------- | -------------------------------------------------------- |
// | `g` ...                                     | group records (see Node)                                 |
// | `v` key                                     | key-value entry                                          |
// | `f` folder u64be `p` path                   | file, directory or symlink: synced and local tree        |
// | `f` folder u64be `m` sequence-ordered name  | move record, a hint that lets a receiver rename once     |
// | `R` folder u64be path                       | remote tree: known, not yet applied                      |
// | `M` folder u64be replica u64be counter u64be | remote rename that is being done on disk                |
// | `D` folder u64be path                       | a directory without an entry that was made for what is in it |
// | `C` replica u64be space                     | how far that replica's feed of the space is known here   |
// | `A` node (32) space                         | how far that node has applied our feed of the space      |
// | `W` space                                   | watermark of the space                                   |
// | `H` space                                   | mark: entries were taken back, nothing is claimed (tag 1) |
// | `K` key                                     | value that is kept while one group is left for another   |
// | `L` key NUL replica u64be counter u64be     | value that lost against a concurrent one; tag: its stamp |
// | `B`                                         | the lives of this store and where in its log each began  |
// | `S` ...                                     | settings of this node: group, invites, folders, peers    |

/// The first byte of a store key.
public enum Namespace {
  public static let group = UInt8(ascii: "g")
  public static let values = UInt8(ascii: "v")
  public static let file = UInt8(ascii: "f")
  public static let remote = UInt8(ascii: "R")
  public static let moveIntent = UInt8(ascii: "M")
  public static let made = UInt8(ascii: "D")
  public static let unwanted = UInt8(ascii: "U")
  public static let cursor = UInt8(ascii: "C")
  public static let appliedBy = UInt8(ascii: "A")
  public static let watermark = UInt8(ascii: "W")
  public static let withheld = UInt8(ascii: "H")
  public static let kept = UInt8(ascii: "K")
  public static let lost = UInt8(ascii: "L")
  public static let lives = UInt8(ascii: "B")
  public static let setting = UInt8(ascii: "S")
}

/// Builds and takes apart the store's keys.
public enum StoreKey {
  static let pathMark = UInt8(ascii: "p")
  static let moveMark = UInt8(ascii: "m")

  public static func value(_ key: [UInt8]) -> [UInt8] { [Namespace.values] + key }

  public static func file(_ folder: FolderID, _ path: BytePath) -> [UInt8] {
    filePrefix(folder) + path.bytes
  }

  /// Of every path of the folder.
  public static func filePrefix(_ folder: FolderID) -> [UInt8] {
    SpaceID.folder(folder).prefix + [pathMark]
  }

  /// The path within a key that `file` built; nil for another key of the folder.
  public static func path(ofFileKey key: [UInt8]) -> BytePath? {
    guard key.count > 10, key[0] == Namespace.file, key[9] == pathMark else { return nil }
    return BytePath(unchecked: Array(key[10...]))
  }

  public static func move(_ folder: FolderID, _ dot: Dot) -> [UInt8] {
    SpaceID.folder(folder).prefix + [moveMark] + bigEndian(dot.replica.rawValue) + bigEndian(dot.counter)
  }

  public static func isMove(_ key: [UInt8]) -> Bool {
    key.count == 26 && key[0] == Namespace.file && key[9] == moveMark
  }

  public static func moveIntent(_ folder: FolderID, _ dot: Dot) -> [UInt8] {
    moveIntentPrefix(folder) + bigEndian(dot.replica.rawValue) + bigEndian(dot.counter)
  }

  public static func moveIntentPrefix(_ folder: FolderID) -> [UInt8] {
    [Namespace.moveIntent] + folder.bigEndianBytes
  }

  public static func remote(_ folder: FolderID, _ path: BytePath) -> [UInt8] {
    remotePrefix(folder) + path.bytes
  }

  /// A remote-tree record: the path, NUL (which no path contains), replica and counter, for several concurrent versions may
  /// wait.
  public static func remote(_ folder: FolderID, _ path: BytePath, _ dot: Dot) -> [UInt8] {
    var writer = ByteWriter(capacity: path.bytes.count + 32)
    writer.raw(remote(folder, path))
    writer.uint8(0)
    writer.uint64(dot.replica.rawValue)
    writer.uint64(dot.counter)
    return writer.bytes
  }

  public static func remotePrefix(_ folder: FolderID) -> [UInt8] {
    [Namespace.remote] + folder.bigEndianBytes
  }

  public static func made(_ folder: FolderID, _ path: BytePath) -> [UInt8] { madePrefix(folder) + path.bytes }
  public static func madePrefix(_ folder: FolderID) -> [UInt8] { [Namespace.made] + folder.bigEndianBytes }
  public static func path(ofMadeKey key: [UInt8]) -> BytePath { BytePath(unchecked: Array(key.dropFirst(9))) }

  public static func unwanted(_ folder: FolderID, _ path: BytePath) -> [UInt8] {
    unwantedPrefix(folder) + path.bytes
  }
  public static func unwantedPrefix(_ folder: FolderID) -> [UInt8] { [Namespace.unwanted] + folder.bigEndianBytes }
  public static func path(ofUnwantedKey key: [UInt8]) -> BytePath { BytePath(unchecked: Array(key.dropFirst(9))) }

  /// Of a remote-tree record.
  public static func version(ofRemoteKey key: [UInt8]) -> (path: BytePath, dot: Dot)? {
    guard key.count > 9 + 17 else { return nil }
    func number(at start: Int) -> UInt64 { key[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    return (
      BytePath(unchecked: Array(key[9..<(key.count - 17)])),
      Dot(replica: ReplicaID(rawValue: number(at: key.count - 16)), counter: number(at: key.count - 8))
    )
  }

  public static func cursor(_ replica: ReplicaID, _ space: SpaceID) -> [UInt8] {
    [Namespace.cursor] + bigEndian(replica.rawValue) + space.prefix
  }

  public static func appliedBy(_ node: NodeID, _ space: SpaceID) -> [UInt8] {
    [Namespace.appliedBy] + node.bytes + space.prefix
  }

  public static func watermark(_ space: SpaceID) -> [UInt8] { [Namespace.watermark] + space.prefix }

  public static func withheld(_ space: SpaceID) -> [UInt8] { [Namespace.withheld] + space.prefix }

  public static func lost(_ key: [UInt8], _ dot: Dot) -> [UInt8] {
    [Namespace.lost] + key + [0] + bigEndian(dot.replica.rawValue) + bigEndian(dot.counter)
  }

  public static let lives = [Namespace.lives]

  public static func setting(_ name: String) -> [UInt8] { [Namespace.setting] + Array(name.utf8) }

  private static func bigEndian(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}
