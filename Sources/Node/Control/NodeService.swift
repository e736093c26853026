public import SoftadastraCore

/// Everything that can be asked of a node: the one interface of the command line and the SDK.
///
/// `RunningNode` implements it in the process that runs the node, `ControlClient` over the control socket, and
/// `OfflineNode` from disk, under the lock, while no node runs. What an implementation cannot do fails with
/// `.closed` ("no node is running") and the command line exits with 69.
public protocol NodeService: Sendable {
  func status() async throws(SoftadastraError) -> StatusReport
  func node() async throws(SoftadastraError) -> NodeReport
  func stop() async throws(SoftadastraError)

  func addFolder(_ request: FolderRequest) async throws(SoftadastraError)
  /// A new invite: one line of text. `expiresSeconds` from now, `uses` redemptions.
  func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String
  /// Pairs with the group of the invite; offline it is kept and used at the next start.
  func join(_ invite: String) async throws(SoftadastraError)

  func addPeerAddress(_ address: String) async throws(SoftadastraError)
  /// `.notFound` if it was not added.
  func removePeerAddress(_ address: String) async throws(SoftadastraError)
  /// Tries what is blocked at or below the path again now. `path`: its spellings. `.notFound` where none means anything.
  func retry(_ path: [String]) async throws(SoftadastraError)
  func tick() async throws(SoftadastraError) -> TickReport
  /// Drains the watcher, then returns when nothing is pending here and at all connected peers, `peers` of them at least.
  func wait(timeoutSeconds: Double, peers: Int) async throws(SoftadastraError) -> WaitReport

  /// Durable when it returns. `ifVersion`: a version as in `ValueReport`, or "absent"; a mismatch is `.versionMismatch`.
  func put(key: [UInt8], value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport
  /// `.notFound` for a missing key. With `valueBase64`.
  func get(key: [UInt8]) async throws(SoftadastraError) -> ValueReport
  func remove(key: [UInt8]) async throws(SoftadastraError)
  func list(prefix: [UInt8], after: [UInt8]?, limit: Int) async throws(SoftadastraError) -> [ValueReport]
  /// The current value of each key below the prefix that changes from now on; a removed key has an empty version.
  func watchValues(prefix: [UInt8]) async throws(SoftadastraError) -> AsyncStream<ValueReport>

  /// Conflict copies of all folders, and values that lost against concurrent ones.
  func conflicts() async throws(SoftadastraError) -> [ConflictReport]
  /// `path`: spellings of one path or key, to be tried in order. `keep`: `this`, `other` or `both`.
  func resolveConflict(_ path: [String], keep: String) async throws(SoftadastraError)

  /// Earlier versions of a file, or of all files below a directory, the earliest of each first.
  func versions(_ path: [String]) async throws(SoftadastraError) -> [VersionReport]
  /// Puts back what the file held at that time, or before it was last changed; what it holds now is kept as a version.
  /// Of a directory: all files below, without a time those that are gone. Returns what was put back.
  func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport]

  /// Stops watching the folder of that name, or at that path; its files stay.
  func removeFolder(_ name: String) async throws(SoftadastraError)
  /// Spreads deletions that were held back; returns how many files they are. `.notFound` if none are.
  func confirmDeletions(_ name: String) async throws(SoftadastraError) -> Int
  /// Drops the local changes of a receive-only folder into its archive; returns how many paths they were.
  func revertFolder(_ name: String) async throws(SoftadastraError) -> Int

  func compactLog() async throws(SoftadastraError)
  /// What happens from now on; several listeners may follow.
  func events() async throws(SoftadastraError) -> AsyncStream<NodeEvent>

  /// Which nodes of the group say on the local links that they are there, in so many seconds: in a day at most.
  func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport]
}
