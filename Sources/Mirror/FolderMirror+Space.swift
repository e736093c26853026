internal import SoftadastraCore
internal import SoftadastraFS

/// Room on the disk for what peers send.
extension FolderMirror {
  /// Measures anew, if these items need room and the last measurement is too old. A failure to measure holds nothing
  /// back: writing will fail with the true reason.
  func gaugeSpace(for items: [PendingTree.Item]) async {
    let now = time.monotonicNanoseconds()
    guard configuration.minFreePercent > 0, gauge.needsMeasuring(now: now),
      items.contains(where: { ($0.entry.value?.size ?? 0) > 0 })
    else { return }
    let volume = self.volume
    guard let space = await pool.run({ try? volume.space() }) else { return }
    gauge.measured(space, outstanding: fetches.values.reduce(0) { $0 + $1.plan.bytesMissing }, now: now)
  }

  /// Refuses content that does not fit.
  func admit(_ bytes: UInt64, for path: BytePath) throws(SoftadastraError) {
    guard !gauge.admits(bytes) else { return }
    throw SoftadastraError(
      .noSpace, "write", at: path.description,
      why: "it does not fit: \(configuration.minFreePercent) % of the filesystem stay free",
      hint: "free some space; it goes on by itself")
  }
}

extension SoftadastraError {
  /// What a person does about the machine ends it, or a disk that keeps up again, and it may end at any moment: worth a
  /// look every few seconds.
  var isAboutResources: Bool {
    switch code {
    case .noSpace, .quota, .readOnly, .permission, .tooManyFiles: true
    case .limit: isRetryable
    default: false
    }
  }
}
