internal import SoftadastraCore
internal import SoftadastraSync
internal import Synchronization

/// Of the large files that were sent to one peer lately, the newest version: what was made from it travels as the
/// difference, although the peer has not applied it yet.
///
/// For one session. A peer that does not have it after all asks for the whole.
public final class SentVersions: Sendable {
  static let maxFiles = 256

  private let versions = Mutex<[[UInt8]: Dot]>([:])

  public init() {}

  func note(_ key: [UInt8], _ dot: Dot) {
    versions.withLock { versions in
      if versions.count >= Self.maxFiles, versions[key] == nil { versions.removeAll() }
      versions[key] = dot
    }
  }

  func isNewest(_ dot: Dot, of key: [UInt8]) -> Bool { versions.withLock { $0[key] == dot } }
}
