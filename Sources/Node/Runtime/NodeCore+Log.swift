internal import Logging
internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraStore

/// What a running node does for the day on which its log is damaged.
extension NodeCore {
  /// Keeps the copy of the settings as they are; what is not copied now is at the next tick.
  func copySettings() async {
    guard !isCopyingSettings else { return }
    let upTo = store.durableSequence
    guard SettingsCopy.isDue(since: copiedSequence, in: store) else {
      copiedSequence = upTo
      return
    }
    isCopyingSettings = true
    defer { isCopyingSettings = false }
    let (store, path) = (store, home.settingsCopy)
    let written: Result<UInt64, SoftadastraError> = await pool.run {
      do throws(SoftadastraError) {
        let copy = try SettingsCopy(of: store)
        try copy.write(to: path)
        return .success(upTo)
      } catch {
        return .failure(error)
      }
    }
    switch written {
    case .success(let sequence): copiedSequence = sequence
    case .failure(let error): logger.warning("the copy of the settings is not written: \(error)")
    }
  }

  /// What a checkpoint spared at the start is read while the node works.
  func verifyLog() {
    let store = self.store
    Task {
      let found: Result<[String], SoftadastraError> = await pool.run {
        do throws(SoftadastraError) { return .success(try store.verifyUnread()) } catch { return .failure(error) }
      }
      switch found {
      case .success(let damage):
        for line in damage {
          logger.error("the log is damaged: \(line); the next start mends it")
          report(NodeEvent("warning", message: "the log is damaged: \(line); the next start mends it"))
        }
      case .failure(let error): logger.error("the log is not verified: \(error)")
      }
    }
  }
}
