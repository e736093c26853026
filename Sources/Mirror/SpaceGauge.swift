internal import SoftadastraCore
internal import SoftadastraFS

/// Whether there is room on the filesystem for more content from peers: arithmetic over what was last measured.
///
/// A part of the filesystem always stays free, so that mirroring alone never fills a disk. A file that does not fit is
/// left out by itself; what needs no room goes on, and so do smaller files.
struct SpaceGauge {
  /// So long a measurement counts, unless half of the room it showed was given out.
  static let maxAgeNanoseconds: UInt64 = 1_000_000_000
  /// What a file takes is rounded up to whole blocks.
  private static let blockBytes: UInt64 = 4096

  /// Percent of the filesystem.
  let minFreePercent: Int
  private var measured: VolumeSpace?
  private var measuredAt: UInt64 = 0
  /// Given out since.
  private var promised: UInt64 = 0

  init(minFreePercent: Int) { self.minFreePercent = minFreePercent }

  private var room: UInt64 {
    guard let measured else { return 0 }
    let reserve = measured.total / 100 * UInt64(max(0, minFreePercent))
    return measured.free > reserve ? measured.free - reserve : 0
  }

  func needsMeasuring(now: UInt64) -> Bool {
    measured == nil || now &- measuredAt > Self.maxAgeNanoseconds || promised > room / 2
  }

  /// - Parameter outstanding: bytes of transfers under way, which are not on the disk yet.
  mutating func measured(_ space: VolumeSpace, outstanding: UInt64, now: UInt64) {
    measured = space
    measuredAt = now
    promised = outstanding
  }

  /// Takes so many bytes out of the room there is. False, and nothing taken, if they do not fit.
  ///
  /// Before the first measurement everything fits: the disk itself will say.
  mutating func admits(_ bytes: UInt64) -> Bool {
    guard measured != nil else { return true }
    let (sum, isHuge) = bytes.addingReportingOverflow(Self.blockBytes - 1)
    guard !isHuge else { return false }
    let needed = sum / Self.blockBytes * Self.blockBytes
    guard promised <= room, needed <= room - promised else { return false }
    promised += needed
    return true
  }
}
