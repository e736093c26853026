internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// The mass-deletion brake at work: see `DeletionBrake`.
extension FolderMirror {
  /// Tells the brake what was seen; false for an absent path that must not be taken for deleted now.
  func passesBrake(_ path: BytePath, _ observation: Observation) -> Bool {
    switch brake.state {
    case .waiting, .off: return true
    case .scanning, .holding: break
    }
    switch observation {
    case .absent: return brake.admits(path)
    case .changed(let found):
      let isNew = store.summary(StoreKey.file(folder, path)).map(\.isDeleted) ?? true
      brake.saw(path, fingerprint: found.fingerprint, isNew: isNew)
    case .unchanged, .retag: brake.saw(path, fingerprint: nil, isNew: false)
    case .implicitDirectory, .unsupported, .changing, .failed: break
    }
    return true
  }

  /// When the scan is over and what it named was looked at: judges what the first scan found absent, or counts what is still held.
  func judgeDeletions() async {
    guard frontier.isEmpty else { return }
    if case .scanning(let absent, let appeared) = brake.state {
      // What the scan named is looked at first; what changes all the time meanwhile is not waited for.
      if scanRest == nil { scanRest = dirty }
      guard scanRest?.isEmpty == true else { return }
      scanRest = nil
      let gone = absent.isEmpty ? 0 : countGone(absent, appeared)
      let total = gone > DeletionBrake.minFiles / 2 ? FolderTotals(of: folder, in: store).files : 0
      if DeletionBrake.engages(gone: gone, of: total) {
        brake.hold(absent, gone: gone, of: total)
        host.report(.blocked(.root, Self.heldError(gone, total, volume.location)))
      } else {
        for path in brake.release() { markDirty(path) }
      }
    } else if brake.isWorthCounting, let held = brake.held {
      let files = held.roots.flatMap { root in liveFiles(at: root).map(\.0) }
      let volume = self.volume
      let isThere = await onPool(files) { path in (try? volume.status(path)).flatMap { $0 } != nil }
      brake.counted(gone: isThere.count { !$0 })
    }
  }

  /// Files at and below the paths, but for those that only moved with a directory: they kept their fingerprints.
  private func countGone(_ roots: Set<BytePath>, _ appeared: Set<UInt64>) -> Int {
    roots.reduce(0) { sum, root in sum + liveFiles(at: root).count { !appeared.contains($0.1) } }
  }

  private func liveFiles(at path: BytePath) -> [(BytePath, UInt64)] {
    liveEntries(at: path).compactMap { path, item in
      guard let stored = try? StoredFileValue(decoding: item.entry.value), !stored.value.isDirectory else { return nil }
      return (path, item.tag)
    }
  }

  /// A person says that the deletions are meant. Returns how many files they are.
  public func confirmDeletions() -> Int {
    guard let held = brake.held else { return 0 }
    for path in brake.release() { markDirty(path) }
    observeSignal.raise()
    return held.gone
  }

  static func heldError(_ gone: Int, _ total: Int, _ location: String) -> SoftadastraError {
    SoftadastraError(
      .massDeletion, "folder", at: location,
      why:
        "\(gone) of \(total) files are gone since the node ran last; nothing is deleted elsewhere until this is confirmed",
      hint: "bring them back, or if it is meant: softadastra folder confirm-deletions", retryable: true)
  }
}
