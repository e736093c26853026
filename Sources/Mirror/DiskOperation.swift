internal import SoftadastraCore
internal import SoftadastraFS

/// One remote change to be carried out on disk, and how it went. Blocks: for worker threads.
///
/// The order of steps keeps the local bytes whatever happens in between: the new file is complete and verified before
/// it gets a name; what it replaces is swapped out, never overwritten; and what was swapped out is checked to be the
/// file that was expected, else it is the user's newer work and is kept under a name of its own.
struct DiskOperation: Sendable {
  enum Content: Sendable {
    /// No bytes are needed: empty, or not a file.
    case none
    case inline([UInt8])
    case staged(String)
    /// The disk holds the right bytes; only mode and mtime change.
    case unchanged
  }

  enum Outcome: Sendable {
    /// The disk holds the wanted entry under this fingerprint (0: deleted).
    case applied(fingerprint: UInt64, copyFingerprint: UInt64?)
    /// The disk does not hold what the synced tree says: to be observed before this is decided anew.
    case changedLocally
    /// Applied; but the file swapped out was newer than expected and lies at this path now.
    case rescued(fingerprint: UInt64, at: BytePath)
    /// Something that is no directory bears the name of this parent.
    case obstructed(by: BytePath)
    case failed(SoftadastraError)

    var isApplied: Bool { if case .applied = self { true } else { false } }
    var isOnDisk: Bool {
      switch self {
      case .applied, .rescued: true
      default: false
      }
    }
  }

  let path: BytePath
  let wanted: FileEntry
  /// The fingerprint that the synced tree has for the path; nil where the disk should hold nothing.
  let expected: UInt64?
  /// That is a directory.
  var expectsDirectory = false
  /// Of the directory that stayed, without an entry, for what lies in it.
  var implicitTag: UInt64?
  let content: Content
  /// Where the local content goes instead of the archive.
  let copyPath: BytePath?
  let volume: any Volume
  let reader: ContentReader
  let made: MadeDirectories
  let spares: SpareVersions

  /// A replacement whose new file is complete but not yet in place.
  struct Prepared: Sendable {
    let operation: DiskOperation
    let staged: (any StagedFile)?
    let failure: SoftadastraError?
  }

  /// True if this puts new file content in the place of an existing file: its bytes must be durable first.
  var isReplacement: Bool {
    guard expected != nil, case .file = wanted.value?.kind else { return false }
    if case .unchanged = content { return false }
    return true
  }

  /// Writes the new content into the staging area.
  func prepare() -> Prepared {
    do throws(SoftadastraError) {
      return Prepared(operation: self, staged: try stagedFile(), failure: nil)
    } catch {
      return Prepared(operation: self, staged: nil, failure: error)
    }
  }

  func perform() -> Outcome { place(prepare()) }

  func place(_ prepared: Prepared) -> Outcome {
    if let failure = prepared.failure { return .failed(failure) }
    do throws(SoftadastraError) {
      return try volume.openingUpParent(of: path) { () throws(SoftadastraError) in try place(prepared.staged) }
    } catch {
      switch error.code {
      case .changed: return .changedLocally
      case .notFound:
        if let obstacle = obstacle() { return .obstructed(by: obstacle) }
        return .failed(error)
      default: return .failed(error)
      }
    }
  }

  func place(_ staged: (any StagedFile)?) throws(SoftadastraError) -> Outcome {
    if let staged, expected == nil, let value = wanted.value, case .file(let size, let modified, _) = value.kind {
      if !DeliberateFault.attributesBeforeContent.isOn {
        try staged.finish(size: size, permissions: value.permissions, modifiedNanoseconds: modified)
      }
      // Mostly the name is free, and linking refuses a taken one by itself.
      do throws(SoftadastraError) {
        return .applied(fingerprint: try linked(staged).fingerprint, copyFingerprint: nil)
      } catch {
        guard error.code == .changed else { throw error }
      }
    }
    let status = try volume.status(path)
    guard let value = wanted.value else { return try delete(status) }
    if let status, status.fingerprint != expected, !DeliberateFault.lookAgainLeftOut.isOn {
      // A crash after the change and before its record leaves the wanted file there already.
      if let fingerprint = try adopted(status, value) {
        if case .staged(let name) = content { try volume.removeStaged(name) }
        return .applied(fingerprint: fingerprint, copyFingerprint: nil)
      }
      return .changedLocally
    }
    // Where nothing lies any more, a crash came in the middle of this, or somebody deleted what this supersedes or wins
    // over: it is made all the same. Only its bytes cannot be those that lay there.
    if status == nil, expected != nil, case .unchanged = content { return .changedLocally }
    switch value.kind {
    case .directory: return try makeDirectory(value, over: status)
    case .symlink(let target, let modified): return try makeSymlink(target, modified, over: status)
    case .file(_, let modified, _):
      guard let staged else { return try changeAttributes(value, modified, of: status) }
      // Finished, and durable, by now.
      return try putFile(staged, over: status)
    }
  }

  // MARK: Directories and symlinks

  func makeDirectory(_ value: FileValue, over status: FileStatus?) throws(SoftadastraError) -> Outcome {
    if let status, status.kind == .directory {
      let now = try volume.setPermissions(ofDirectory: path, value.permissions)
      return .applied(fingerprint: now.fingerprint, copyFingerprint: nil)
    }
    var copy: UInt64?
    if let status { copy = try moveAside(status) }
    let now = try withParents { () throws(SoftadastraError) in
      do throws(SoftadastraError) {
        return try volume.makeDirectory(path, permissions: value.permissions)
      } catch {
        throw error.code == .conflict ? changedError : error
      }
    }
    return .applied(fingerprint: now.fingerprint, copyFingerprint: copy)
  }

  func makeSymlink(
    _ target: [UInt8], _ modified: Int64, over status: FileStatus?
  ) throws(SoftadastraError) -> Outcome {
    var copy: UInt64?
    if let status {
      if status.kind == .directory { try removeEmptyDirectory() } else { copy = try moveAside(status) }
    }
    let now = try withParents { () throws(SoftadastraError) in
      do throws(SoftadastraError) {
        return try volume.makeSymlink(target, at: path, modifiedNanoseconds: modified)
      } catch {
        throw error.code == .conflict ? changedError : error
      }
    }
    return .applied(fingerprint: now.fingerprint, copyFingerprint: copy)
  }

  /// Takes the file at the path away: to its conflict copy's name, or into the archive.
  func moveAside(_ status: FileStatus) throws(SoftadastraError) -> UInt64? {
    guard case .applied(_, let copy) = try takeAway(expecting: status) else { throw changedError }
    return copy
  }

  func removeEmptyDirectory() throws(SoftadastraError) {
    do throws(SoftadastraError) {
      try volume.removeDirectory(path)
    } catch {
      throw error.code == .conflict ? changedError : error
    }
  }

  /// Takes the file away. One that finds no other place goes back: its absence would be taken for somebody's deletion.
  private func takeAway(expecting status: FileStatus) throws(SoftadastraError) -> Outcome {
    let displaced = try volume.displace(path)
    do throws(SoftadastraError) {
      return try dispose(of: displaced, expecting: status, now: 0)
    } catch {
      // If even that fails it lies in the staging area, and is archived at the next start.
      _ = try? volume.replace(displaced, at: path)
      throw error
    }
  }

  // MARK: Deleting

  func delete(_ status: FileStatus?) throws(SoftadastraError) -> Outcome {
    guard let status else { return .applied(fingerprint: 0, copyFingerprint: nil) }
    if status.kind == .directory {
      // Somebody made it: in the place of the file that is to go, or of nothing.
      guard expectsDirectory || [implicitTag, made.fingerprint(path)].contains(status.fingerprint) else {
        return .changedLocally
      }
      do throws(SoftadastraError) {
        try volume.removeDirectory(path)
        made.remove(path)
        return .applied(fingerprint: 0, copyFingerprint: nil)
      } catch {
        guard error.code == .conflict else { throw error }
        if DeliberateFault.childrenDeleted.isOn {
          try volume.discard(try volume.displace(path), from: path, keep: false)
          return .applied(fingerprint: 0, copyFingerprint: nil)
        }
        // Something lives in it: ignored files, or new ones. It stays as an implicit directory, which has one mode
        // everywhere.
        let kept = try volume.setPermissions(ofDirectory: path, FileValue.implicitDirectoryPermissions)
        made.insert(path, kept.fingerprint)
        return .applied(fingerprint: kept.fingerprint, copyFingerprint: nil)
      }
    }
    guard status.fingerprint == expected || DeliberateFault.lookAgainLeftOut.isOn else { return .changedLocally }
    if copyPath == nil, let retired = try volume.retire(path, as: .deleted) { return checked(retired, status) }
    return try takeAway(expecting: status)
  }

  /// What went into the archive must be the file that was looked at, else it is somebody's newer work and comes back
  /// under a name of its own; where it cannot, the archive has it.
  func checked(_ retired: ArchivedFile, _ status: FileStatus) -> Outcome {
    guard !retired.status.isSameFile(as: status) else { return .applied(fingerprint: 0, copyFingerprint: nil) }
    let rescue = path.parent.appending(rescueName)
    guard (try? volume.bringBack(retired, at: rescue)) != nil else {
      return .applied(fingerprint: 0, copyFingerprint: nil)
    }
    return .rescued(fingerprint: 0, at: rescue)
  }

  // MARK: Common

  /// The fingerprint, if the disk holds exactly the wanted entry already.
  func adopted(_ status: FileStatus, _ value: FileValue) throws(SoftadastraError) -> UInt64? {
    switch value.kind {
    case .directory:
      // Also one that took the place of a file here before it could be recorded.
      let isOurs = expected == nil || made.fingerprint(path) == status.fingerprint
      return status.kind == .directory && isOurs
        ? try volume.setPermissions(ofDirectory: path, value.permissions).fingerprint : nil
    case .symlink(let target, _):
      return status.kind == .symlink ? (try volume.readLink(path) == target ? status.fingerprint : nil) : nil
    case .file(let size, let modified, let manifest):
      let held = volume.heldAttributes
      guard status.kind == .file, status.size == size, held.shows(modified, as: status.modifiedNanoseconds),
        !held.permissions || status.permissions == value.permissions
      else { return nil }
      let (now, found) = try reader.manifest(of: path, previous: manifest)
      return found.chunks == manifest.chunks ? now.fingerprint : nil
    }
  }

  func withParents<T>(_ body: () throws(SoftadastraError) -> T) throws(SoftadastraError) -> T {
    do throws(SoftadastraError) {
      return try body()
    } catch {
      guard error.code == .notFound, !path.parent.isRoot else { throw error }
      try makeParents(of: path)
      return try body()
    }
  }

  /// The parent, if any, that is no directory.
  func obstacle() -> BytePath? {
    var parent = path.parent
    while !parent.isRoot {
      if let status = (try? volume.status(parent)) ?? nil { return status.kind == .directory ? nil : parent }
      parent = parent.parent
    }
    return nil
  }

  func makeParents(of path: BytePath) throws(SoftadastraError) {
    let parent = path.parent
    guard !parent.isRoot, try volume.status(parent) == nil else { return }
    try makeParents(of: parent)
    do throws(SoftadastraError) {
      try made.make(parent) { () throws(SoftadastraError) in
        try volume.makeDirectory(parent, permissions: FileValue.implicitDirectoryPermissions)
      }
    } catch {
      guard error.code == .conflict else { throw error }
    }
  }

  var changedError: SoftadastraError {
    SoftadastraError(.changed, "apply", at: path.description, why: "the disk changed meanwhile")
  }
}
