internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// What a batch of looks at the disk comes to, before anything of it is recorded.
struct Findings {
  /// What needs no version: renewed tags, and intents that the disk holds.
  var mutations: [Mutation] = []
  var absent: [BytePath] = []
  /// Directories that are there for what lies in them.
  var implicit: Set<BytePath> = []
  /// A crash came between the change on disk and its record: the disk holds what these wanted.
  var adopted: [PendingTree.Item] = []
  /// Of these, and of what they superseded: under which entry the disk's file is recorded.
  var taken: [(key: [UInt8], survivor: Survivor, fingerprint: UInt64)] = []
  /// Somebody's edits.
  var edited: [(path: BytePath, found: Observation.Found)] = []
  /// To be looked at again in a moment.
  var again: [BytePath] = []
  var failed: [BytePath] = []
}

extension FolderMirror {
  func classified(_ observations: [(BytePath, Observation)]) -> Findings {
    var findings = Findings()
    var above: (directory: BytePath, file: BytePath?)?
    for (path, observation) in observations {
      let isBelieved = passesBrake(path, observation)
      switch observation {
      case .unchanged: unblock(path)
      case .implicitDirectory:
        unblock(path)
        findings.implicit.insert(path)
      case .retag(let tag):
        unblock(path)
        findings.mutations.append(.retag(key: StoreKey.file(folder, path), tag: tag))
      case .absent:
        unblock(path)
        findings.mutations += forgetMade([path])
        if isBelieved { findings.absent.append(path) }
      case .changed(let found):
        if let error = Self.unsupported(path, found.value.value) {
          block(path, error)
          continue
        }
        unblock(path)
        if isWanted(path, found, &findings) { continue }
        let directory = path.parent
        if above?.directory != directory { above = (directory, fileAbove(path)) }
        if let file = above?.file, configuration.mode != .receiveOnly,
          !observations.contains(where: { $0.0 == file && $0.1.isChange })
        {
          if comesAfter(file, path) { findings.again.append(path) }
          continue
        }
        findings.edited.append((path, found))
        if !found.value.value.isDirectory, observer.hasLiveDescendants(path) { findings.absent.append(path) }
      case .unsupported:
        block(
          path,
          SoftadastraError(
            .unsupported, "path", at: path.description,
            why: "devices, sockets, FIFOs and what is mounted here are not part of the folder"))
      case .changing: findings.again.append(path)
      case .failed(let error):
        block(path, error)
        findings.failed.append(path)
      }
    }
    return findings
  }

  /// Whether it is no edit: the disk holds what something pending put there, before that was recorded.
  private func isWanted(_ path: BytePath, _ found: Observation.Found, _ findings: inout Findings) -> Bool {
    // A directory that stayed although it is to be deleted.
    if made.fingerprint(path) == found.fingerprint, isDeletionWanted(path) { return true }
    let key = StoreKey.file(folder, path)
    if let (item, survivor) = wantedItem(path, found.value.value) {
      // Not before its directory, which is tried again, and so is this.
      if pending.isParentWaiting(path), !findings.adopted.contains(where: { path.isWithin($0.path) }) { return true }
      findings.adopted.append(item)
      findings.taken.append((key, survivor, found.fingerprint))
      for version in [item.entry.version] + item.overtaken.map(\.version) {
        findings.mutations.append(.erase(key: remoteKey(item.path, version.dot)))
      }
      return true
    }
    guard let survivor = overtakenEntry(path, found.value.value) else { return false }
    // It is applied by that; what superseded it follows.
    findings.taken.append((key, survivor, found.fingerprint))
    return true
  }

  /// What was a file is a directory by now: its entry comes first, or peers would see a file in the way of what is in it.
  /// True if that is to be looked at again later; else it follows the directory.
  private func comesAfter(_ file: BytePath, _ path: BytePath) -> Bool {
    markDirty(file)
    guard dirty.contains(file) else { return true }
    urgent.insert(file)
    deferred.insert(path)
    return false
  }

  /// What no peer would take: it is said here, and travels nowhere.
  private static func unsupported(_ path: BytePath, _ value: FileValue) -> SoftadastraError? {
    if path.bytes.count > BytePath.maxBytes { return tooLong(path) }
    guard let chunks = value.manifest?.chunks.count, chunks > Manifest.maxChunks else { return nil }
    return SoftadastraError(
      .unsupported, "file", at: path.description,
      why: "its \(chunks) chunks are above the limit of \(Manifest.maxChunks), which is about 2 TiB")
  }

  static func tooLong(_ path: BytePath) -> SoftadastraError {
    SoftadastraError(
      .unsupported, "path", at: path.description,
      why: "its \(path.bytes.count) bytes are above the limit of \(BytePath.maxBytes)")
  }
}
