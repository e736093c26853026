import Foundation
import SoftadastraCore
@testable import SoftadastraNode
import Synchronization

/// A service that remembers what it was asked, and keeps values in a dictionary.
final class FakeService: NodeService {
  static let failure = SoftadastraError(
    .notFound, "no such key", at: "here", why: "because", hint: "do that", fatal: true, retryable: true,
    localStateValid: false, accepted: true)
  static let nodeReport = NodeReport(
    id: "i", name: "n", hostname: "h", os: "o", kernel: "k", version: "v", capabilities: ["c"], replica: "r",
    group: "g", members: 1, running: true, uptimeSeconds: 2.5, home: "/h")
  static let statusReport = StatusReport(
    node: .init(id: "i", name: "n", version: "v", running: true, uptimeSeconds: 1, pid: 2), folders: [], peers: [],
    sync: .init(outbox: 1, queued: 2, inFlight: 3, acknowledged: 4, failed: 5, retries: 6),
    store: .init(entries: 1, tombstones: 0, lastSequence: 2),
    wal: .init(path: "/w", segments: 1, bytes: 2, lastSequence: 3),
    transport: .init(state: "listening", address: "a"), discovery: .init(state: "off", port: 1, peers: 0))

  static let conflictReport = ConflictReport(
    kind: "file", folder: "f", path: "p", copy: "c", node: "n", time: "t")

  static func versionReport(_ path: String, _ time: String) -> VersionReport {
    VersionReport(folder: "f", path: path, time: time, size: 7, reason: "deleted")
  }

  let calls = Mutex<[String]>([])
  let followers = Mutex(0)
  private let values = Mutex<[[UInt8]: [UInt8]]>([:])
  private let listener = Mutex<AsyncStream<NodeEvent>.Continuation?>(nil)

  private func note(_ call: String) { calls.withLock { $0.append(call) } }
  func send(_ event: NodeEvent) { listener.withLock { _ = $0?.yield(event) } }

  func status() async throws(SoftadastraError) -> StatusReport { Self.statusReport }
  func node() async throws(SoftadastraError) -> NodeReport { Self.nodeReport }
  func stop() async throws(SoftadastraError) { note("stop") }
  func addFolder(_ request: FolderRequest) async throws(SoftadastraError) {
    note("add \(request.path) \(request.name ?? "-") \(request.adopt)")
  }
  func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String {
    "invite \(expiresSeconds) \(uses)"
  }
  func join(_ invite: String) async throws(SoftadastraError) { note("join \(invite)") }
  func addPeerAddress(_ address: String) async throws(SoftadastraError) { note("peer \(address)") }
  func removePeerAddress(_ address: String) async throws(SoftadastraError) { note("remove-peer \(address)") }
  func retry(_ path: [String]) async throws(SoftadastraError) { note("retry \(path.joined(separator: " "))") }
  func tick() async throws(SoftadastraError) -> TickReport {
    TickReport(retried: 1, pruned: 2, batches: 3, batchEntries: 4)
  }
  func wait(timeoutSeconds: Double, peers: Int) async throws(SoftadastraError) -> WaitReport {
    WaitReport(done: false, reason: "\(timeoutSeconds) \(peers)")
  }
  func put(key: [UInt8], value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport {
    values.withLock { $0[key] = value }
    return ValueReport(key: "k", size: value.count, version: ifVersion ?? "-")
  }
  func get(key: [UInt8]) async throws(SoftadastraError) -> ValueReport {
    guard let value = values.withLock({ $0[key] }) else { throw Self.failure }
    return ValueReport(
      key: "k", size: value.count, version: "1", valueBase64: Data(value).base64EncodedString())
  }
  func remove(key: [UInt8]) async throws(SoftadastraError) { note("remove \(key)") }
  func list(prefix: [UInt8], after: [UInt8]?, limit: Int) async throws(SoftadastraError) -> [ValueReport] {
    [ValueReport(key: "\(prefix) \(after.map { "\($0)" } ?? "-") \(limit)", size: 0, version: "")]
  }
  func watchValues(prefix: [UInt8]) async throws(SoftadastraError) -> AsyncStream<ValueReport> {
    AsyncStream { continuation in
      for n in 1...2 {
        continuation.yield(
          ValueReport(key: String(decoding: prefix, as: UTF8.self) + "\(n)", size: 0, version: ""))
      }
      continuation.finish()
    }
  }
  func conflicts() async throws(SoftadastraError) -> [ConflictReport] { [Self.conflictReport] }
  func resolveConflict(_ path: [String], keep: String) async throws(SoftadastraError) {
    note("resolve \(path) \(keep)")
  }
  func removeFolder(_ name: String) async throws(SoftadastraError) { note("remove-folder \(name)") }
  func confirmDeletions(_ name: String) async throws(SoftadastraError) -> Int { name.utf8.count }
  func revertFolder(_ name: String) async throws(SoftadastraError) -> Int { 2 * name.utf8.count }
  func versions(_ path: [String]) async throws(SoftadastraError) -> [VersionReport] {
    [Self.versionReport(path.joined(), "t")]
  }
  func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport] {
    [Self.versionReport(path.joined(), time ?? "-")]
  }
  func compactLog() async throws(SoftadastraError) { note("compact") }
  func events() async throws(SoftadastraError) -> AsyncStream<NodeEvent> {
    let (stream, continuation) = AsyncStream<NodeEvent>.makeStream()
    followers.withLock { $0 += 1 }
    continuation.onTermination = { _ in self.followers.withLock { $0 -= 1 } }
    listener.withLock { $0 = continuation }
    return stream
  }
  func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport] {
    [DiscoveredReport(id: "d", address: "a")]
  }
}
