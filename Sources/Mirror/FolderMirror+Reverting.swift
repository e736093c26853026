public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// A receive-only folder becomes what the group has: local changes go to the archive.
extension FolderMirror {
  /// What is to be done about one path that differs from the synced tree.
  private enum Reverted {
    case nothing
    /// The disk is as the entry says again.
    case undone
    /// The local thing is in the archive, or was deleted before; the entry's content has to come again.
    case wanted(FileEntry)
    case failed(SoftadastraError)
  }

  func localChangeError(_ path: BytePath, _ why: String) -> SoftadastraError {
    SoftadastraError(
      .localChange, "local change", at: path.description, why: "the folder is receive-only here; \(why)",
      hint: "to drop local changes: softadastra folder revert")
  }

  /// Returns how many paths were changed. What cannot be had from a peer now is pending until one connects.
  ///
  /// - Throws: `.invalid` unless the folder is receive-only; the first error of a directory that cannot be read, with
  ///   nothing changed.
  public func revert() async throws(SoftadastraError) -> Int {
    guard configuration.mode == .receiveOnly else {
      throw SoftadastraError(
        .invalid, "revert", at: volume.location, why: "the folder is not receive-only: its local changes are sent",
        hint: "softadastra restore puts earlier versions of single files back")
    }
    // Deepest first: a directory is empty when its turn comes.
    let paths = try await differing().sorted(by: >)
    var count = 0
    for path in paths {
      await untilFree([path])
      guard isRunning else { break }
      busy.insert(path)
      let outcome = await revert(path)
      if case .wanted(let entry) = outcome { await want(path, entry) }
      release([path])
      switch outcome {
      case .nothing: continue
      case .failed(let error): block(path, error)
      case .undone, .wanted:
        unblock(path)
        count += 1
      }
    }
    await takeIn(paths)
    applySignal.raise()
    return count
  }

  private func differing() async throws(SoftadastraError) -> [BytePath] {
    let scan = TreeScan(observer: observer, room: nil, isIgnored: isIgnored)
    var directories = [BytePath.root]
    var found: [BytePath] = []
    while !directories.isEmpty {
      let batch = Array(directories.suffix(Self.slice))
      directories.removeLast(batch.count)
      for result in await onPool(batch, { scan.compare($0) }) {
        if let (_, error) = result.unreadable.first { throw error }
        found += result.candidates
        directories += result.directories
      }
    }
    // A directory that is gone stands for all that was in it.
    return Array(Set(found + found.flatMap { path in liveEntries(at: path).map(\.0) }))
  }

  private func revert(_ path: BytePath) async -> Reverted {
    let observer = self.observer
    let volume = self.volume
    let key = StoreKey.file(folder, path)
    let known: FileEntry?
    do throws(SoftadastraError) {
      known = try observer.entry(key, store.summary(key), path).flatMap { $0.isDeleted ? nil : $0 }
    } catch {
      return .failed(error)
    }
    return await pool.run {
      do throws(SoftadastraError) {
        switch observer.observe(path) {
        case .unchanged, .retag, .implicitDirectory, .unsupported: return .nothing
        case .failed(let error): throw error
        case .changing:
          throw SoftadastraError(.changed, "revert", at: path.description, why: "a program is writing to it")
        case .absent: return known.map { .wanted($0) } ?? .nothing
        case .changed(let now):
          if let known, let value = known.value, value.hasSameContent(as: now.value.value) {
            switch value.kind {
            case .file(_, let modified, _):
              _ = try volume.setAttributes(
                path, permissions: value.permissions, modifiedNanoseconds: modified, expecting: now.fingerprint)
            case .directory: _ = try volume.setPermissions(ofDirectory: path, value.permissions)
            case .symlink: break
            }
            return .undone
          }
          if now.value.value.isDirectory {
            do throws(SoftadastraError) {
              try volume.removeDirectory(path)
            } catch {
              // Ignored files live in it.
              guard error.code == .conflict, known == nil else { throw error }
              return .nothing
            }
          } else {
            try volume.archive(try volume.displace(path), from: path, as: .reverted)
          }
          return known.map { .wanted($0) } ?? .undone
        }
      } catch {
        return .failed(error)
      }
    }
  }

  private func want(_ path: BytePath, _ entry: FileEntry) async {
    do throws(SoftadastraError) {
      let ticket = try store.commit(NewPlace.wantAgain(folder, path, entry))
      try await store.wait(ticket)
      _ = pending.add(PendingTree.Item(path: path, entry: entry, origins: [], record: ticket.sequences.upperBound))
    } catch {
      halt(error)
    }
  }
}

extension FileValue {
  fileprivate var isSymlink: Bool { if case .symlink = kind { true } else { false } }
}
