public import SoftadastraCore
public import SoftadastraStore
internal import SoftadastraSync

/// A folder that this node had at one place is to be mirrored in another directory, or its directory lost its marker.
///
/// What the synced tree holds then says nothing about that directory: a file that is not there was not deleted. So
/// every live entry becomes one that is known and not applied. A file that is there with the same content is adopted,
/// one that is missing is fetched from peers, one that differs is a concurrent edit.
public enum NewPlace {
  private static let pageSize = 1024

  /// Durable when it returns. Each page of entries is a commit of its own: an interruption leaves a part to be done.
  public static func forget(_ folder: FolderID, in store: Store) async throws(SoftadastraError) {
    let prefix = StoreKey.filePrefix(folder)
    var after: [UInt8]?
    while true {
      let page = store.list(prefix: prefix, after: after, limit: pageSize)
      var mutations: [Mutation] = []
      for (key, _) in page {
        guard let path = StoreKey.path(ofFileKey: key), let entry = try store.get(key) else { continue }
        mutations += takingBack(folder, path, try FileEntry(entry, at: path.description))
      }
      if !mutations.isEmpty { try await store.wait(try store.commit(mutations + [withholding(folder)])) }
      guard page.count == pageSize else { return }
      after = page.last!.key
    }
  }

  /// From the synced tree to the remote tree: one entry whose file is gone.
  static func wantAgain(_ folder: FolderID, _ path: BytePath, _ entry: FileEntry) -> [Mutation] {
    takingBack(folder, path, entry) + [withholding(folder)]
  }

  private static func takingBack(_ folder: FolderID, _ path: BytePath, _ entry: FileEntry) -> [Mutation] {
    [
      .put(
        key: StoreKey.remote(folder, path, entry.version.dot), value: entry.encodedForRemoteTree(), version: nil,
        tag: 0, flags: 0),
      .erase(key: StoreKey.file(folder, path)),
    ]
  }

  /// Such entries leave the feed and come back to it under versions that this node's watermark covers: until they are
  /// back it claims nothing (`WithheldWatermarks`).
  private static func withholding(_ folder: FolderID) -> Mutation {
    .put(key: StoreKey.withheld(.folder(folder)), value: [], version: nil, tag: 1, flags: 0)
  }
}
