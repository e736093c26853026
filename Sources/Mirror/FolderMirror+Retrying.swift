public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore
internal import SoftadastraSync

/// What cannot be applied for now: looked at anew, or tried again later.
extension FolderMirror {
  private static let firstRetryNanoseconds: UInt64 = 1_000_000_000
  private static let maxRetryNanoseconds: UInt64 = 60_000_000_000
  private static let maxResourceRetryNanoseconds: UInt64 = 10_000_000_000
  /// Looks at everything that is blocked are no closer to each other.
  private static let retryPauseNanoseconds: UInt64 = 250_000_000
  /// So often an item may find the disk changed before it is shown as blocked.
  private static let maxAttempts = 5

  func retryAfterObserving(_ step: Step) {
    let path = step.item.path
    let dot = step.item.entry.version.dot
    let attempts = step.item.attempts + 1
    pending.update(path, dot) { $0.attempts = attempts }
    if attempts > Self.maxAttempts {
      blockItem(
        step.item,
        SoftadastraError(
          .conflict, "apply", at: path.description, why: "something that is not synchronised is in the way",
          hint: "move it elsewhere", retryable: true))
    } else {
      pending.requeue(path, dot)
      deferred.insert(path)
    }
    release(step.paths)
    // What is below a directory, or the parent that is not what it was, may be the reason.
    rescan(path)
    if !path.parent.isRoot { markDirty(path.parent) }
    observeSignal.raise()
  }

  func blockItem(_ item: PendingTree.Item, _ error: SoftadastraError) {
    let dot = item.entry.version.dot
    let attempts = min(item.attempts + 1, 16)
    let maxDelay = error.isAboutResources ? Self.maxResourceRetryNanoseconds : Self.maxRetryNanoseconds
    let delay = min(Self.firstRetryNanoseconds << UInt64(attempts - 1), maxDelay)
    let retryAt = time.monotonicNanoseconds() + delay
    pending.update(item.path, dot) {
      $0.attempts = attempts
      $0.state = .blocked(error, retryAt: retryAt, attempts: attempts)
    }
    if item.entry.value?.isDirectory == true { hasBlockedDirectories = true }
    letGoOfContent(item)
    block(item.path, error)
    planRetry(at: retryAt)
  }

  /// Memory: what waits for long is fetched again. It holds back nobody who sends.
  func letGoOfContent(_ item: PendingTree.Item) {
    // Of a copy that was derived here nobody else may have the bytes.
    if pending.inlineBytes > Self.maxInlineBytesHeld / 2, !item.isDerived {
      pending.update(item.path, item.entry.version.dot) { $0.content = nil }
    }
    releaseHeldSenders()
  }

  /// One look for all that is due by then.
  private func planRetry(at due: UInt64) {
    guard retryAt.map({ due < $0 }) ?? true else { return }
    retryAt = due
    Task {
      let now = self.time.monotonicNanoseconds()
      await self.time.sleep(nanoseconds: due > now ? due - now + 1_000_000 : 1_000_000)
      // Unless an earlier one was planned meanwhile, which has planned the next.
      if self.isRunning, self.retryAt == due { self.retryDue() }
    }
  }

  func retryDue() {
    let now = time.monotonicNanoseconds()
    retryAt = nil
    if let next = pending.requeueDue(now: now) { planRetry(at: max(next, now + Self.retryPauseNanoseconds)) }
    if pending.hasQueued { applySignal.raise() }
  }

  /// `sync retry`: at once, whatever the back-off. False if nothing of that name is here, was here, or is wanted.
  public func retry(_ path: BytePath) async -> Bool {
    let volume = self.volume
    var isKnown =
      path.isRoot || unsupported[path] != nil || !pending.dots(at: path).isEmpty || pending.hasDescendants(of: path)
      || store.summary(StoreKey.file(folder, path)) != nil || observer.hasLiveDescendants(path)
    if !isKnown { isKnown = await pool.run { (try? volume.status(path)) ?? nil } != nil }
    guard isKnown else { return false }
    pending.requeueDue(now: .max, path: path)
    rescan(path)
    applySignal.raise()
    return true
  }
}

extension PendingTree.Item {
  var withoutContent: PendingTree.Item {
    var copy = self
    copy.content = nil
    return copy
  }
}
