internal import SoftadastraCore
internal import SoftadastraFS
internal import Synchronization

/// Older versions of large files that nobody will miss: they can be made into the next version in place.
///
/// A file that changes all the time is replaced all the time. Copying all of it for every change costs the disk a
/// thousand times what was changed. But the archive keeps versions only so far apart (`VersionsPolicy`): what was
/// replaced within that distance of one that is kept is to be removed anyway. It holds all but the last two changes, and
/// needs only them. So does a version that was overtaken while it was fetched.
final class SpareVersions: Sendable {
  /// Smaller files are copied.
  static let minBytes: UInt64 = 1 << 20
  private static let maxFiles = 256

  private struct File: Sendable {
    /// When the last version that stays was replaced, by the monotonic clock.
    let keptAt: UInt64
    var spare: ArchivedFile?
  }

  enum Spare: Sendable {
    case archived(ArchivedFile)
    /// In the staging area.
    case staged(String)
  }

  private let files = Mutex<[BytePath: File]>([:])
  private let overtaken = Mutex<[BytePath: String]>([:])
  private let time: any TimeSource

  init(time: any TimeSource) { self.time = time }

  /// This version was replaced and lies in the archive now.
  func archived(_ file: ArchivedFile) {
    guard file.status.kind == .file, file.status.size >= Self.minBytes else { return }
    let now = time.monotonicNanoseconds()
    files.withLock { files in
      if let known = files[file.path], now < Self.end(known.keptAt) {
        files[file.path]!.spare = file
      } else {
        if files.count >= Self.maxFiles { files = files.filter { now < Self.end($0.value.keptAt) } }
        if files.count >= Self.maxFiles { files.removeAll() }
        files[file.path] = File(keptAt: now)
      }
    }
  }

  /// This one was overtaken by a newer version, and nobody writes to it any more. Returns one that is nobody's now.
  func overtaken(_ stagedName: String, of path: BytePath) -> String? {
    overtaken.withLock { $0.updateValue(stagedName, forKey: path) }
  }

  func takeOvertaken(_ path: BytePath) -> String? { overtaken.withLock { $0.removeValue(forKey: path) } }

  /// The best there is; once.
  func take(_ path: BytePath) -> Spare? {
    if let name = takeOvertaken(path) { return .staged(name) }
    return files.withLock { files in
      defer { files[path]?.spare = nil }
      return files[path]?.spare.map { .archived($0) }
    }
  }

  private static func end(_ keptAt: UInt64) -> UInt64 {
    keptAt &+ UInt64(VersionsPolicy.leastSecondsApart) &* 1_000_000_000
  }
}
