internal import CLinux
internal import Glibc
internal import SoftadastraCore
internal import Synchronization

/// Asks the filesystem what it can do, by doing it in the staging area.
extension LinuxVolume {
  private static let probes = 8
  private static let coarse: Int64 = 2_000_000_000
  private static let tick: Int64 = 10_000_000

  /// Never fails: on a full or read-only filesystem the defaults stay.
  func probe(_ staging: Int32) {
    let first = uniqueName("probe-")
    let second = uniqueName("probe-")
    defer {
      for name in [first, second] { _ = withCPath(name.utf8) { linux_unlinkat(staging, $0, 0) } }
    }
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    for name in [first, second] {
      guard let file = Descriptor(withCPath(name.utf8) { linux_openat(staging, $0, flags, 0o600) }) else {
        return assumeAttributes()
      }
      if name == first { measureTimes(file.number) } else { measureAttributes(file.number) }
    }
    let exchanged = rename(first, second, in: staging, linux_rename_exchange)
    let refused = rename(first, second, in: staging, linux_rename_noreplace)
    let unnamed = withCPath(".".utf8) {
      linux_openat(staging, $0, linux_o_tmpfile | O_RDWR | O_CLOEXEC, 0o777)
    }
    var hasUnnamed = false
    var keptPermissions: UInt16?
    if let file = Descriptor(unnamed) {
      var raw = linux_status()
      if linux_fstat(file.number, &raw) == 0 { keptPermissions = UInt16(raw.mode & 0o777) }
      _ = withCPath(second.utf8) { linux_unlinkat(staging, $0, 0) }
      hasUnnamed = withCPath(second.utf8) { linux_link_descriptor(file.number, staging, $0) } == 0
    }
    properties.withLock {
      $0.features = Features()
      $0.features.hasExchange = exchanged == 0
      $0.features.hasNoReplace = refused == -EEXIST
      $0.features.hasUnnamedFiles = hasUnnamed
      $0.keptPermissions = keptPermissions
    }
  }

  /// Read-only, or full: what cannot be tried is told by the filesystem's kind.
  private func assumeAttributes() {
    let kindsOfFAT: Set<UInt64> = [0x4D44, 0x2011_BAB0]
    guard kindsOfFAT.contains(linux_filesystem_type(root.number)) else { return }
    properties.withLock { $0.held = .fat }
  }

  private func rename(_ first: String, _ second: String, in staging: Int32, _ flags: UInt32) -> Int32 {
    withCPath(first.utf8) { first in
      withCPath(second.utf8) { linux_rename(staging, first, staging, $0, flags) }
    }
  }

  /// Writes and asks in turn. Kernels from 6.13 on make a time that was asked for differ from the next.
  private func measureTimes(_ file: Int32) {
    var last: Int64 = -1
    var alwaysDiffers = true
    var hasFraction = false
    for turn in 0..<Self.probes {
      var byte = UInt8(turn)
      guard linux_pwrite(file, &byte, 1, 0) == 1 else { return }
      var raw = linux_status()
      guard linux_fstat(file, &raw) == 0 else { return }
      if raw.changed_ns == last { alwaysDiffers = false }
      if raw.modified_ns % 1_000_000_000 != 0 { hasFraction = true }
      last = raw.changed_ns
    }
    let measured = !hasFraction ? Self.coarse : alwaysDiffers ? 0 : Self.tick
    properties.withLock { $0.granularity = measured }
  }

  /// Gives a file attributes and asks which became of them.
  private func measureAttributes(_ file: Int32) {
    func look() -> FileStatus? {
      var raw = linux_status()
      return linux_fstat(file, &raw) == 0 ? FileStatus(raw) : nil
    }
    func shown(_ modified: Int64) -> Int64? {
      linux_set_modified(file, modified) == 0 ? look()?.modifiedNanoseconds : nil
    }
    var held = HeldAttributes.all
    // Two modes, of which no mount option makes both.
    held.permissions = [0o640, 0o710].allSatisfy { mode in
      _ = fchmod(file, mode_t(mode))
      return look().map { $0.permissions == mode } ?? true
    }
    if let shown = shown(HeldAttributes.probedTime) { held.timeStep = HeldAttributes.timeStep(showing: shown) }
    if let first = shown(.min), let last = shown(.max), first < last { held.times = first...last }
    let measured = held.withLimitsOfFAT
    properties.withLock { $0.held = measured }
  }
}
