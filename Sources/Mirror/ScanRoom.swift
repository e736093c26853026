internal import SoftadastraFS
internal import Synchronization

/// Bounds what a scan has read and nobody has recorded yet: a directory may hold any number of files.
final class ScanRoom: Sendable {
  static let maxBytes = 16 << 20
  /// What a file occupies beside its content, about: its path, its status and what was found out about it.
  static let itemBytes = 512

  private let taken = Atomic<Int>(0)

  /// False, with nothing taken, where there is none left.
  func take(_ size: UInt64) -> Bool {
    let bytes = Int(size) + Self.itemBytes
    guard taken.add(bytes, ordering: .relaxed).newValue > Self.maxBytes else { return true }
    taken.subtract(bytes, ordering: .relaxed)
    return false
  }

  func giveBack(_ size: UInt64) { taken.subtract(Int(size) + Self.itemBytes, ordering: .relaxed) }
}
