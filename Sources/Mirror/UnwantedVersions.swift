internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// Versions that were deleted elsewhere, so long ago that nobody will say it again, and that could not be put away yet: the
/// archive takes nothing, or a permission is missing. Kept in the store until they are gone or edited.
///
/// Key: `U`, folder, path. Value: the version's dot.
struct UnwantedVersions {
  static let pauseNanoseconds: UInt64 = 30_000_000_000
  private static let pageSize = 1024

  private(set) var dots: [BytePath: Dot] = [:]
  /// They are tried again after a while.
  var isPlanned = false

  var isEmpty: Bool { dots.isEmpty }

  init() {}

  init(of folder: FolderID, in store: Store) {
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: StoreKey.unwantedPrefix(folder), after: after, limit: Self.pageSize)
      for (key, _) in page {
        guard let entry = try? store.get(key),
          let dot = try? decode(entry.value, { (reader: inout ByteReader) throws(CodingError) in try reader.dot() })
        else { continue }
        dots[StoreKey.path(ofUnwantedKey: key)] = dot
      }
      guard page.count == Self.pageSize else { return }
      after = page.last!.key
    }
  }

  /// Nil if it is known.
  mutating func insert(_ path: BytePath, _ dot: Dot, of folder: FolderID) -> Mutation? {
    guard dots.updateValue(dot, forKey: path) != dot else { return nil }
    var writer = ByteWriter()
    writer.dot(dot)
    return .put(key: StoreKey.unwanted(folder, path), value: writer.bytes, version: nil)
  }

  /// Nil if there was nothing.
  mutating func remove(_ path: BytePath, of folder: FolderID) -> Mutation? {
    dots.removeValue(forKey: path) == nil ? nil : .erase(key: StoreKey.unwanted(folder, path))
  }
}
