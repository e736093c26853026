internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// Whose copy a conflict copy is, also where its name was cut to fit.
enum ConflictOriginals {
  /// Names that begin with the same two hundred bytes; more are not looked at.
  private static let maxNames = 100

  /// The path that a copy's name says; of a cut name, the live files that it may be a copy of, or else that beginning.
  static func of(_ copy: BytePath, in folder: FolderID, _ store: Store) -> [BytePath] {
    guard let said = ConflictName.original(of: copy) else { return [] }
    guard ConflictName.isFull(copy) else { return [said] }
    let prefix = StoreKey.file(folder, ConflictName.beginning(of: copy))
    let found = store.list(prefix: prefix, limit: maxNames).compactMap { key, _ in
      StoreKey.path(ofFileKey: key).flatMap { ConflictName.isCopy(copy, of: $0) ? $0 : nil }
    }
    return found.isEmpty ? [said] : found
  }

  /// The same, told apart by the content and the author of the copy.
  static func of(_ copy: BytePath, _ entry: FileEntry, in folder: FolderID, _ store: Store) -> BytePath? {
    let candidates = of(copy, in: folder, store)
    guard candidates.count > 1, let value = entry.value else { return candidates.first }
    return candidates.first { ConflictName.path(for: $0, loser: value, by: entry.version.author) == copy }
  }
}
