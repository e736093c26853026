internal import SoftadastraCore
internal import SoftadastraFS
internal import SoftadastraSync

/// One file on its way.
struct FetchKey: Hashable, Sendable {
  let path: BytePath
  let dot: Dot

  static let stagedPrefix = "fetch-"

  /// Stable over restarts, so that a transfer that was cut goes on where it was.
  var stagedName: String {
    let digest = Checksum.xxh3(path.bytes, seed: dot.replica.rawValue ^ dot.counter)
    return "\(Self.stagedPrefix)\(dot.replica)-\(dot.counter)-\(String(digest, radix: 16))"
  }
}

/// What is known of a file being fetched.
struct FetchState: Sendable {
  let item: PendingTree.Item
  let file: any StagedFile
  /// What is not fetched of it is zeros.
  let isBlank: Bool
  var plan: FetchPlan
  /// The replica that made this version says that it has another one by now.
  var isOverwrittenByAuthor = false
}
