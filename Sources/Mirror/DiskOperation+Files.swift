internal import SoftadastraCore
internal import SoftadastraFS

/// New content in the place of old, and what becomes of the old.
extension DiskOperation {
  func stagedFile() throws(SoftadastraError) -> (any StagedFile)? {
    guard let value = wanted.value, case .file(let size, let modified, let manifest) = value.kind else { return nil }
    let staged: any StagedFile
    switch content {
    case .unchanged: return nil
    case .none: staged = try volume.stage(permissions: value.permissions)
    case .inline(let bytes):
      guard UInt64(bytes.count) == size, reader.verify(SharedBytes(bytes), manifest) else {
        throw SoftadastraError(
          .damaged, "content from a peer", at: path.description, why: "it is not what its hash says", retryable: true)
      }
      staged = try volume.stage(permissions: value.permissions)
      var failure: SoftadastraError?
      bytes.withUnsafeBytes { buffer in
        do throws(SoftadastraError) { try staged.write(at: 0, buffer) } catch { failure = error }
      }
      if let failure { throw failure }
    case .staged(let name): staged = try volume.openStaged(name)
    }
    if isReplacement {
      try staged.finish(size: size, permissions: value.permissions, modifiedNanoseconds: modified)
    }
    return staged
  }

  func putFile(_ staged: any StagedFile, over status: FileStatus?) throws(SoftadastraError) -> Outcome {
    guard let status else {
      return .applied(fingerprint: try linked(staged).fingerprint, copyFingerprint: nil)
    }
    if status.kind == .directory {
      try removeEmptyDirectory()
      return .applied(fingerprint: try linked(staged).fingerprint, copyFingerprint: nil)
    }
    let (now, displaced) = try volume.exchange(staged, at: path)
    do throws(SoftadastraError) {
      return try dispose(of: displaced, expecting: status, now: now.fingerprint)
    } catch {
      guard undo(now, displaced) else {
        try volume.archive(displaced, from: path, as: .conflict)
        return .applied(fingerprint: now.fingerprint, copyFingerprint: nil)
      }
      throw error
    }
  }

  /// What was swapped out found no other place, and goes back to its own. False if it cannot.
  private func undo(_ now: FileStatus, _ displaced: Displaced) -> Bool {
    guard let found = try? volume.status(path), found.fingerprint == now.fingerprint,
      let back = try? volume.swapBack(displaced, at: path)
    else { return false }
    if !back.status.isSameFile(as: now) {
      // Changed in between: somebody's newer work. What finds no name goes to the archive at the next start.
      _ = try? put(back, at: path.parent.appending(rescueName))
    } else if case .staged(let name) = content {
      // Needed for the next attempt.
      try? volume.renameStaged(back.stagedName, to: name)
    } else {
      try? volume.removeStaged(back.stagedName)
    }
    return true
  }

  func linked(_ staged: any StagedFile) throws(SoftadastraError) -> FileStatus {
    try withParents { () throws(SoftadastraError) in
      do throws(SoftadastraError) {
        return try volume.link(staged, at: path)
      } catch {
        // Somebody made a file of that name meanwhile.
        throw error.code == .conflict ? changedError : error
      }
    }
  }

  /// Whoever replaced or changed the file meanwhile has the word.
  func changeAttributes(
    _ value: FileValue, _ modified: Int64, of status: FileStatus?
  ) throws(SoftadastraError) -> Outcome {
    guard let status else {
      throw SoftadastraError(
        .notFound, "apply", at: path.description, why: "it is gone here, which waits to be confirmed", retryable: true)
    }
    let now = try volume.setAttributes(
      path, permissions: value.permissions, modifiedNanoseconds: modified, expecting: status.fingerprint)
    return .applied(fingerprint: now.fingerprint, copyFingerprint: nil)
  }

  /// The swapped-out file goes to the conflict copy or the archive, if it is the one that was expected.
  func dispose(
    of displaced: Displaced, expecting status: FileStatus, now fingerprint: UInt64
  ) throws(SoftadastraError) -> Outcome {
    guard displaced.status.isSameFile(as: status) || DeliberateFault.lookAgainLeftOut.isOn else {
      let rescue = path.parent.appending(rescueName)
      guard try put(displaced, at: rescue) != nil else {
        return .applied(fingerprint: fingerprint, copyFingerprint: nil)
      }
      return .rescued(fingerprint: fingerprint, at: rescue)
    }
    guard let copyPath else {
      let place = try volume.archive(displaced, from: path, as: wanted.isDeleted ? .deleted : .replaced)
      if let place, !wanted.isDeleted {
        spares.archived(ArchivedFile(archived: place, path: path, status: displaced.status))
      }
      return .applied(fingerprint: fingerprint, copyFingerprint: nil)
    }
    if let copy = try put(displaced, at: copyPath) {
      return .applied(fingerprint: fingerprint, copyFingerprint: copy.fingerprint)
    }
    // The copy is there already, made from the same loser; or its directory has just gone.
    return .applied(fingerprint: fingerprint, copyFingerprint: try volume.status(copyPath)?.fingerprint)
  }

  /// Gives what was swapped out a name in the folder. Nil if it is taken, or its directory has gone: then it lies in
  /// the archive. A call that failed otherwise may do better the next time.
  func put(_ displaced: Displaced, at place: BytePath) throws(SoftadastraError) -> FileStatus? {
    do throws(SoftadastraError) {
      return try volume.replace(displaced, at: place)
    } catch {
      guard error.code == .conflict || error.code == .notFound else { throw error }
      try volume.archive(displaced, from: path, as: .conflict)
      return nil
    }
  }

  var rescueName: [UInt8] {
    let digits = String(Checksum.xxh3(path.bytes, seed: wanted.version.dot.counter) | 1 << 63, radix: 16)
    return Array(path.name.prefix(200)) + Array(".rescued-\(digits.prefix(8))".utf8)
  }
}
