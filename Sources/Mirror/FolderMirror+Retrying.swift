public import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraSync

/// What cannot be applied for now: looked at anew, or tried again later.
extension FolderMirror {
  private static let firstRetryNanoseconds: UInt64 = 1_000_000_000
  private static let maxRetryNanoseconds: UInt64 = 60_000_000_000
  private static let maxResourceRetryNanoseconds: UInt64 = 10_000_000_000
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
    // Memory: what waits for long is fetched again.
    if pending.inlineBytes > Self.maxInlineBytesHeld / 2 { pending.update(item.path, dot) { $0.content = nil } }
    if item.entry.value?.isDirectory == true { hasBlockedDirectories = true }
    releaseHeldSenders()
    block(item.path, error)
    Task {
      await self.time.sleep(nanoseconds: delay + 1_000_000)
      self.retryDue()
    }
  }

  func retryDue() {
    pending.requeueDue(now: time.monotonicNanoseconds())
    if pending.hasQueued { applySignal.raise() }
  }

  /// `sync retry`: at once, whatever the back-off.
  public func retry(_ path: BytePath) {
    pending.requeueDue(now: .max, path: path)
    rescan(path)
    applySignal.raise()
  }
}

extension PendingTree.Item {
  var withoutContent: PendingTree.Item {
    var copy = self
    copy.content = nil
    return copy
  }
}
