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
  var plan: FetchPlan
  /// The replica that made this version says that it has another one by now.
  var isOverwrittenByAuthor = false
  /// Said that they do not have it: not those that could not read it.
  var lacking: Set<NodeID> = []
  /// Of those, the ones that do not mirror the folder.
  var strangers: Set<NodeID> = []
  /// What each peer had applied that had said all before it was asked.
  let completeFeeds: [NodeID: VersionVector]

  init(item: PendingTree.Item, file: any StagedFile, plan: FetchPlan, completeFeeds: [NodeID: VersionVector]) {
    self.item = item
    self.file = file
    self.plan = plan
    self.completeFeeds = completeFeeds
  }

  /// A peer that had applied this version, and had told what became of it, does not have it.
  var isSettledElsewhere: Bool { lacking.contains { completeFeeds[$0]?.covers(item.entry.version.dot) == true } }
  /// Everybody who was asked had told all and has nothing.
  func isLackedBy(all peers: [NodeID]) -> Bool {
    peers.allSatisfy { strangers.contains($0) || lacking.contains($0) && completeFeeds[$0] != nil }
  }
}
