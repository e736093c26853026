internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// Compares directories with the synced tree by fingerprints alone, and names the paths to look at. New small files are
/// looked at on the spot, while their directory is at hand and as long as there is room.
///
/// Memory does not grow with the tree: one directory is compared at a time, its children found in the store by
/// stepping over whole subtrees. Blocks: for worker threads.
struct TreeScan: Sendable {
  let observer: Observer
  /// Nil only names what differs.
  let room: ScanRoom?
  let isIgnored: @Sendable (BytePath, Bool) -> Bool

  private static let aboveEveryName = [UInt8](repeating: 0xFF, count: BytePath.maxNameBytes + 1)

  /// Where a subtree is stepped over, most of a page was read for nothing.
  private static let firstPage = 64
  private static let nextPage = 512

  struct Result: Sendable {
    /// Differ from the synced tree, in the order found: a directory before what is in it.
    var candidates: [BytePath] = []
    /// Regular files of which the synced tree knew nothing, neither here nor below, and what they are. Each has taken
    /// room, which is to be given back.
    var new: [New] = []
    typealias New = (path: BytePath, size: UInt64, observation: Observation)
    /// Existing directories to descend into.
    var directories: [BytePath] = []
    /// Directories that could not be read: nothing below counts as deleted.
    var unreadable: [(BytePath, SoftadastraError)] = []
  }

  /// One directory, not its subdirectories.
  func compare(_ directory: BytePath) -> Result {
    var result = Result()
    let items: [DirectoryItem]
    do throws(SoftadastraError) {
      items = try observer.reader.volume.list(directory)
    } catch {
      // A directory that is gone is a candidate like any other; its parent's listing decides.
      if error.code == .notFound {
        if !directory.isRoot { result.candidates.append(directory) }
      } else {
        result.unreadable.append((directory, error))
      }
      return result
    }
    var found: [(path: BytePath, status: FileStatus)] = []
    found.reserveCapacity(items.count)
    for item in items {
      let path = directory.appending(item.name)
      let isDirectory = item.status.kind == .directory
      if path.isReserved || isIgnored(path, isDirectory) { continue }
      found.append((path, item.status))
      if isDirectory { result.directories.append(path) }
    }
    let stored = storedChildren(of: directory)
    let present = stored.isEmpty ? [] : Set(found.map(\.path))
    var inhabited: Set<BytePath> = []
    for (path, isImplicit) in stored {
      if present.contains(path) {
        if isImplicit { inhabited.insert(path) }
      } else if !isIgnored(path, isImplicit) {
        result.candidates.append(path)
      }
    }
    let summaries = observer.store.summaries(found.map { StoreKey.file(observer.folder, $0.path) })
    for ((path, status), summary) in zip(found, summaries) {
      if let summary, !summary.isDeleted, summary.tag == status.fingerprint { continue }
      if summary == nil, status.kind == .file, status.size <= UInt64(Change.maxInlineBytes), !inhabited.contains(path),
        room?.take(status.size) == true
      {
        result.new.append((path, status.size, observer.observeNew(path, status)))
      } else {
        result.candidates.append(path)
      }
    }
    return result
  }

  /// Live children, and names that only descendants give; true for the latter.
  private func storedChildren(of directory: BytePath) -> [(BytePath, Bool)] {
    let slash = UInt8(ascii: "/")
    let prefix =
      directory.isRoot
      ? StoreKey.filePrefix(observer.folder) : StoreKey.file(observer.folder, directory) + [slash]
    var children: [(BytePath, Bool)] = []
    var after: [UInt8]?
    var limit = Self.firstPage
    while true {
      let asked = limit
      let page = observer.store.list(prefix: prefix, after: after, limit: asked)
      limit = Self.nextPage
      guard let last = page.last else { return children }
      after = last.key
      for (key, _) in page {
        let rest = key[prefix.count...]
        if let cut = rest.firstIndex(of: slash) {
          let name = rest[..<cut]
          if children.last.map({ !$0.0.name.elementsEqual(name) }) ?? true {
            children.append((directory.appending(name), true))
          }
          // Step over the rest of that subtree.
          after = Array(key[..<cut]) + [slash] + Self.aboveEveryName
          limit = Self.firstPage
          break
        }
        children.append((directory.appending(rest), false))
      }
      if page.count < asked, after == last.key { return children }
    }
  }
}
