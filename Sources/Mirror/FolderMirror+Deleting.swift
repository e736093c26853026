public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
public import SoftadastraSync

extension FolderMirror {
  /// These versions were deleted in the group while this node was away, and the deletion itself is forgotten.
  ///
  /// What the disk still holds of them goes to the archive, and the folder's own loop takes that in like any deletion
  /// made here: so whoever this node meets later learns of it. What was edited since is another version, and stays.
  /// What still waits to be applied waits no longer: nobody has it. Returns how many files went. A folder that only sends
  /// deletes nothing. Throws `.closed` if the folder stopped before the end.
  public func deletedElsewhere(_ items: [SyncMessage.InventoryItem]) async throws(SoftadastraError) -> Int {
    let prefix = SpaceID.folder(folder).prefix
    let versions = items.compactMap { item in
      StoreKey.path(ofFileKey: prefix + item.key).map { (path: $0, dot: item.dot) }
    }
    let count = await putAway(versions)
    guard isRunning, !isStopping else {
      throw SoftadastraError(.closed, "folder", at: volume.location, why: "it stopped before everything was put away")
    }
    return count
  }

  private func putAway(_ versions: [(path: BytePath, dot: Dot)]) async -> Int {
    guard configuration.mode != .sendOnly else { return 0 }
    // The disk may hold them all the same: a crash came before their record, or the folder was just brought back.
    await takeIn(versions.lazy.filter { self.pending[$0.path, $0.dot] != nil }.map(\.path))
    var gone: [BytePath] = []
    // Deepest first: a directory is empty when its turn comes.
    for (path, dot) in versions.sorted(by: { $0.path > $1.path }) {
      await untilFree([path])
      guard isRunning, !isStopping else { break }
      if let item = pending[path, dot], !item.isBeingApplied { giveUp(item) }
      guard let summary = store.summary(StoreKey.file(folder, path)), summary.dot == dot, !summary.isDeleted else {
        // Edited, or gone: no longer what was deleted.
        note(unwanted.remove(path, of: folder))
        continue
      }
      busy.insert(path)
      halfDone += 1
      let isGone = await putAway(path, dot)
      halfDone -= 1
      if isGone {
        gone.append(path)
        note(unwanted.remove(path, of: folder))
      }
      release([path])
    }
    await takeIn(gone)
    putAwayLater()
    return gone.count
  }

  /// What an earlier life of the folder could not put away.
  func loadUnwanted() {
    unwanted = UnwantedVersions(of: folder, in: store)
    putAwayLater()
  }

  private func note(_ mutation: Mutation?) { if let mutation { commitLocal([mutation]) } }

  private func putAwayLater() {
    guard configuration.mode != .sendOnly, !unwanted.isEmpty, !unwanted.isPlanned else { return }
    unwanted.isPlanned = true
    Task {
      await self.time.sleep(nanoseconds: UnwantedVersions.pauseNanoseconds)
      self.unwanted.isPlanned = false
      guard self.isRunning else { return }
      _ = await self.putAway(self.unwanted.dots.map { (path: $0.key, dot: $0.value) })
    }
  }

  /// Carries the deletion out as if it had just arrived. True if nothing is left to do for it.
  private func putAway(_ path: BytePath, _ dot: Dot) async -> Bool {
    let key = StoreKey.file(folder, path)
    guard let version = (try? store.get(key))?.version else { return false }
    let (observer, volume, reader, made, spares) = (self.observer, self.volume, self.reader, self.made, self.spares)
    let outcome: DiskOperation.Outcome = await pool.run {
      do throws(SoftadastraError) {
        let status = try volume.status(path)
        switch observer.observe(path) {
        case .unchanged, .retag: break
        case .absent: return .applied(fingerprint: 0, copyFingerprint: nil)
        case .failed(let error): return .failed(error)
        default: return .changedLocally
        }
        let operation = DiskOperation(
          path: path, wanted: FileEntry(version: version, stored: nil), expected: status?.fingerprint,
          expectsDirectory: status?.kind == .directory, content: .none, copyPath: nil, volume: volume, reader: reader,
          made: made, spares: spares)
        return operation.perform()
      } catch {
        return .failed(error)
      }
    }
    /// Where the log has no room it is tried again.
    func recordDeletion(_ fingerprint: UInt64) -> Bool {
      let deletion = Mutation.delete(
        key: key, value: [], version: store.newVersion(basedOn: version.vector, author: configuration.author),
        tag: fingerprint, flags: 0)
      if commitLocal([deletion]) != nil { return true }
      note(unwanted.insert(path, dot, of: folder))
      return false
    }
    switch outcome {
    // Not zero where something else lives in this directory: it stays for that alone.
    case .applied(let fingerprint, _): return recordDeletion(fingerprint)
    case .rescued(_, let rescue):
      rescan(rescue)
      host.report(.conflict(path, copy: rescue))
      return recordDeletion(0)
    // Edited in that very moment, which is no business of this deletion.
    case .changedLocally, .obstructed: return false
    case .failed(let error):
      // The archive takes nothing, for one.
      block(path, error)
      note(unwanted.insert(path, dot, of: folder))
      return false
    }
  }
}
