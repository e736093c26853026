internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
public import SoftadastraSync

extension FolderMirror {
  /// These versions were deleted in the group while this node was away, and the deletion itself is forgotten.
  ///
  /// What the disk still holds of them goes to the archive, and the folder's own loop takes that in like any deletion
  /// made here: so whoever this node meets later learns of it. What was edited since is another version, and stays.
  /// What still waits to be applied waits no longer: nobody has it. Returns how many files went. A folder that only sends
  /// deletes nothing.
  public func deletedElsewhere(_ items: [SyncMessage.InventoryItem]) async -> Int {
    guard configuration.mode != .sendOnly else { return 0 }
    let prefix = SpaceID.folder(folder).prefix
    let versions = items.compactMap { item in
      StoreKey.path(ofFileKey: prefix + item.key).map { (path: $0, dot: item.dot) }
    }
    // The disk may hold them all the same: a crash came before their record, or the folder was just brought back.
    await takeIn(versions.lazy.filter { self.pending[$0.path, $0.dot] != nil }.map(\.path))
    var gone: [BytePath] = []
    // Deepest first: a directory is empty when its turn comes.
    for (path, dot) in versions.sorted(by: { $0.path > $1.path }) {
      await untilFree([path])
      guard isRunning else { break }
      if let item = pending[path, dot], !item.isBeingApplied { giveUp(item) }
      guard let summary = store.summary(StoreKey.file(folder, path)), summary.dot == dot, !summary.isDeleted else {
        continue
      }
      busy.insert(path)
      if await putAway(path) { gone.append(path) }
      release([path])
    }
    await takeIn(gone)
    return gone.count
  }

  private enum PutAway: Sendable {
    case done
    /// A directory that something else lives in: it stays for that alone.
    case stays(fingerprint: UInt64)
    /// The disk holds something else, or the archive takes nothing: it is asked for again another time.
    case failed(SoftadastraError?)
  }

  private func putAway(_ path: BytePath) async -> Bool {
    let (observer, volume, made) = (self.observer, self.volume, self.made)
    let result: PutAway = await pool.run {
      do throws(SoftadastraError) {
        switch observer.observe(path) {
        case .unchanged, .retag: break
        case .absent: return .done
        default: return .failed(nil)
        }
        guard try volume.status(path)?.kind == .directory else {
          try volume.archive(try volume.displace(path), from: path, as: .deleted)
          return .done
        }
        do throws(SoftadastraError) {
          try volume.removeDirectory(path)
          return .done
        } catch {
          guard error.code == .conflict else { throw error }
          let kept = try volume.setPermissions(path, FileValue.implicitDirectoryPermissions)
          made.insert(path, kept.fingerprint)
          return .stays(fingerprint: kept.fingerprint)
        }
      } catch {
        return .failed(error)
      }
    }
    switch result {
    case .done: return true
    case .stays(let fingerprint):
      let key = StoreKey.file(folder, path)
      guard let version = (try? store.get(key))?.version else { return false }
      commitLocal([
        .delete(
          key: key, value: [], version: store.newVersion(basedOn: version.vector, author: configuration.author),
          tag: fingerprint, flags: 0)
      ])
      return true
    case .failed(let error):
      if let error { block(path, error) }
      return false
    }
  }
}
