internal import SoftadastraCore
internal import SoftadastraStore
internal import SoftadastraSync

/// What a decision leaves at a path; its new version, where it must have one, is drawn when it is recorded.
///
/// Not before: a counter that was drawn and is not committed yet would be claimed by the watermark as soon as a later one
/// is in the feed, and peers would never be sent what it stands for.
struct Survivor: Sendable {
  /// Its vector has seen all that was decided against.
  let entry: FileEntry
  private let isRenewed: Bool
  /// Of the new version; nil for one that stands for itself.
  private let origin: Dot?

  /// As it is, without a conflict.
  init(_ entry: FileEntry) {
    self.entry = entry
    isRenewed = false
    origin = nil
  }

  /// The survivor of a conflict, under a new version where its own must not cover the loser's. Its author stays: the
  /// bytes are theirs.
  init(_ entry: FileEntry, over loser: Version) {
    self.entry = entry
    isRenewed = ConflictRule.mustRenew(entry.version, over: loser)
    origin = entry.version.origin
  }

  /// A directory that must not give way to what lost against it: a version of its own, so that every node decides alike.
  /// A directory without an entry, or whose entry is deleted, gets a tombstone: it exists for what is below it.
  init(directory local: FileEntry?, seen: VersionVector, over loser: Version, author: AuthorTag) {
    let version = Version(vector: seen, dot: loser.dot, stamp: loser.stamp, author: author)
    entry = FileEntry(version: version, stored: local?.value?.isDirectory == true ? local?.stored : nil)
    isRenewed = true
    origin = nil
  }

  /// For a commit that follows at once.
  func drawn(from store: Store) -> FileEntry {
    guard isRenewed else { return entry }
    let version = entry.version
    return entry.with(store.newVersion(basedOn: version.vector, author: version.author, origin: origin))
  }
}
