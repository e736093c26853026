internal import Glibc
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

  /// The machine was started since: it may have lost its power in between.
  var isAnotherBoot: Bool {
    guard let last = NodeSettings(store: store).boot(), let now = Boot.current() else { return false }
    return last != now
  }

  /// Once every folder was checked; one that could not be is checked at the next start.
  func rememberBoot() throws(SoftadastraError) {
    guard stoppedFolders.isEmpty, let boot = Boot.current(), NodeSettings(store: store).boot() != boot else { return }
    try store.commit([NodeSettings(store: store).bootMutation(boot)])
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

/// What tells one start of the machine from another.
enum Boot {
  private static let place = "/proc/sys/kernel/random/boot_id"
  private static let maxBytes = 64

  /// Nil where the system does not say.
  static func current() -> String? {
    let descriptor = open(place, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: maxBytes)
    let count = read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count].prefix { $0 > 0x20 }, as: UTF8.self)
  }

  /// When the machine was started, by its wall clock. Nil if that is not after what it had shown before: it stood still
  /// while the machine was off, or was set back.
  static func startedNanoseconds(after wallMilliseconds: UInt64) -> Int64? {
    var (now, running) = (timespec(), timespec())
    guard clock_gettime(CLOCK_REALTIME, &now) == 0, clock_gettime(CLOCK_BOOTTIME, &running) == 0 else { return nil }
    let seconds = Int64(now.tv_sec) - Int64(running.tv_sec)
    guard wallMilliseconds > 0, seconds > Int64(clamping: wallMilliseconds / 1000) + 1 else { return nil }
    return seconds * 1_000_000_000
  }
}
