public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What a person decides about a running folder's conflicts.
extension FolderMirror {
  /// Taken in, as any local edit is, when it returns.
  public func resolve(_ conflict: FileConflict, keep choice: ConflictChoice) async throws(SoftadastraError) {
    guard configuration.mode != .receiveOnly else {
      throw SoftadastraError(
        .invalid, "resolve", at: conflict.copy.description, why: "the folder is receive-only here",
        hint: "resolve it on a node that sends")
    }
    let resolution = ConflictResolution(volume: volume)
    switch choice {
    case .both:
      await untilFree([conflict.copy])
      guard let mutation = FileConflicts.ordinary(conflict, in: store, author: configuration.author) else { return }
      try await store.wait(try store.commit([mutation]))
      return
    case .this: try await pool.run { () throws(SoftadastraError) in try resolution.keepThis(conflict) }
    case .other: try await pool.run { () throws(SoftadastraError) in try resolution.keepOther(conflict) }
    }
    await takeIn([conflict.copy, conflict.path])
  }

  /// Looks at what this node itself has changed on disk, so that the next command sees what this one did.
  public func takeIn(_ paths: [BytePath]) async {
    handle(paths.map { .changed($0) })
    while isRunning, paths.contains(where: { dirty.contains($0) || deferred.contains($0) || busy.contains($0) }) {
      finishNow()
      await withCheckedContinuation { batchWaiters.append($0) }
    }
  }

  /// Until no loop works on any of the paths.
  func untilFree(_ paths: [BytePath]) async {
    while isRunning, paths.contains(where: busy.contains) {
      finishNow()
      await withCheckedContinuation { batchWaiters.append($0) }
    }
  }
}
