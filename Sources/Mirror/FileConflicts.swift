public import SoftadastraCore
public import SoftadastraFS
public import SoftadastraStore
internal import SoftadastraSync

/// A conflict copy that lies in a folder, and the file it lost against.
public struct FileConflict: Sendable, Hashable {
  public let folder: FolderID
  /// The file that kept the name. It need not exist any more.
  public let path: BytePath
  public let copy: BytePath
  /// Of the copy: who wrote it, and when.
  public let version: Version
}

/// The folder's conflict copies, by its synced tree.
public enum FileConflicts {
  private static let pageSize = 4096

  /// Cost: one look at every live entry's summary; values are read of copies only.
  public static func all(in folder: FolderID, of store: Store) -> [FileConflict] {
    var found: [FileConflict] = []
    let prefix = StoreKey.filePrefix(folder)
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: pageSize)
      for (key, summary) in page where Change.Flags(rawValue: summary.flags).contains(.conflictCopy) {
        guard let copy = StoreKey.path(ofFileKey: key), let entry = try? store.get(key),
          let file = try? FileEntry(entry, at: copy.description)
        else { continue }
        let path = ConflictOriginals.of(copy, file, in: folder, store) ?? copy
        found.append(FileConflict(folder: folder, path: path, copy: copy, version: file.version))
      }
      guard page.count == pageSize else { return found }
      after = page.last!.key
    }
  }

  /// The copy's entry as that of an ordinary file: a local edit of nothing but its standing.
  ///
  /// Nil if it is none (any more).
  public static func ordinary(_ conflict: FileConflict, in store: Store, author: AuthorTag) -> Mutation? {
    let key = StoreKey.file(conflict.folder, conflict.copy)
    guard let entry = try? store.get(key), !entry.isDeleted, let version = entry.version,
      Change.Flags(rawValue: entry.flags).contains(.conflictCopy)
    else { return nil }
    return .put(
      key: key, value: entry.value, version: store.newVersion(basedOn: version.vector, author: author), tag: entry.tag,
      flags: entry.flags & ~Change.Flags.conflictCopy.rawValue)
  }
}

/// Which side of a conflict a person wants.
public enum ConflictChoice: String, Sendable, Hashable, CaseIterable {
  /// The file that has the name.
  case this
  /// The copy: it gets the name.
  case other
  /// Both, as two ordinary files.
  case both
}

/// Carries out `this` and `other` on disk; what gives way goes to the archive. Blocks: for worker threads.
///
/// To the synced tree these are local edits: a running mirror sees them as any other program's, a node that starts
/// later finds them by its scan.
public struct ConflictResolution: Sendable {
  public let volume: any Volume

  public init(volume: any Volume) { self.volume = volume }

  public func keepThis(_ conflict: FileConflict) throws(SoftadastraError) {
    let displaced = try volume.displace(conflict.copy)
    try volume.archive(displaced, from: conflict.path, as: .conflict)
  }

  public func keepOther(_ conflict: FileConflict) throws(SoftadastraError) {
    let displaced = try volume.displace(conflict.copy)
    do throws(SoftadastraError) {
      try putInPlace(displaced, at: conflict.path)
    } catch {
      // The copy goes back to its name; if even that fails it lies in the staging area and is archived at the start.
      _ = try? volume.replace(displaced, at: conflict.copy)
      throw error
    }
  }

  private func putInPlace(_ displaced: Displaced, at path: BytePath) throws(SoftadastraError) {
    guard let status = try volume.status(path) else {
      _ = try volume.replace(displaced, at: path)
      return
    }
    guard status.kind != .directory else {
      throw SoftadastraError(
        .conflict, "resolve", at: path.description, why: "a directory has the name",
        hint: "keep both, or move the directory first")
    }
    // A file swaps its place in one step; a symlink, or a file that may not be opened, takes two.
    if displaced.status.kind == .file, let staged = try? volume.openStaged(displaced.stagedName) {
      let (_, old) = try volume.exchange(staged, at: path)
      try volume.archive(old, from: path, as: .conflict)
      return
    }
    let old = try volume.displace(path)
    do throws(SoftadastraError) {
      _ = try volume.replace(displaced, at: path)
    } catch {
      _ = try? volume.replace(old, at: path)
      throw error
    }
    try volume.archive(old, from: path, as: .conflict)
  }
}
