internal import Glibc
internal import NIOCore
internal import NIOPosix
public import SoftadastraCore

/// A running node, spoken to over its control socket.
///
/// Each call makes a connection of its own. `.closed` when no node runs for this home, or when it ended meanwhile.
public final class ControlClient: NodeService {
  private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  private let home: Home

  /// Does not connect yet; see `isRunning`.
  public init(home: Home) { self.home = home }

  /// Whether a node answers on the socket.
  public func isRunning() async throws(SoftadastraError) -> Bool {
    do throws(SoftadastraError) {
      let connection = try await connect()
      try? await connection.executeThenClose { _, _ in }
      return true
    } catch {
      if error.code == .closed { return false }
      throw error
    }
  }

  public func status() async throws(SoftadastraError) -> StatusReport { try await ask(.status) }
  public func node() async throws(SoftadastraError) -> NodeReport { try await ask(.node) }
  public func stop() async throws(SoftadastraError) { try await tell(.stop) }

  public func addFolder(_ request: FolderRequest) async throws(SoftadastraError) {
    try await tell(.addFolder, ControlArguments(folder: request))
  }
  public func invite(expiresSeconds: Int, uses: Int) async throws(SoftadastraError) -> String {
    try await ask(.invite, ControlArguments(seconds: Double(expiresSeconds), count: uses))
  }
  public func join(_ invite: String) async throws(SoftadastraError) {
    try await tell(.join, ControlArguments(text: invite))
  }
  public func addPeerAddress(_ address: String) async throws(SoftadastraError) {
    try await tell(.addPeerAddress, ControlArguments(text: address))
  }
  public func removePeerAddress(_ address: String) async throws(SoftadastraError) {
    try await tell(.removePeerAddress, ControlArguments(text: address))
  }
  public func retry(_ path: [String]) async throws(SoftadastraError) {
    try await tell(.retry, ControlArguments(path: path))
  }
  public func tick() async throws(SoftadastraError) -> TickReport { try await ask(.tick) }
  public func wait(timeoutSeconds: Double, peers: Int) async throws(SoftadastraError) -> WaitReport {
    try await ask(.wait, ControlArguments(seconds: timeoutSeconds, count: peers))
  }

  public func put(key: [UInt8], value: [UInt8], ifVersion: String?) async throws(SoftadastraError) -> ValueReport {
    try await ask(
      .put,
      ControlArguments(key: ControlCoding.base64(key), value: ControlCoding.base64(value), ifVersion: ifVersion))
  }
  public func get(key: [UInt8]) async throws(SoftadastraError) -> ValueReport {
    try await ask(.get, ControlArguments(key: ControlCoding.base64(key)))
  }
  public func remove(key: [UInt8]) async throws(SoftadastraError) {
    try await tell(.remove, ControlArguments(key: ControlCoding.base64(key)))
  }
  public func list(prefix: [UInt8], after: [UInt8]?, limit: Int) async throws(SoftadastraError) -> [ValueReport] {
    try await ask(
      .list,
      ControlArguments(
        count: limit, key: ControlCoding.base64(prefix), after: after.map { ControlCoding.base64($0) }))
  }
  public func watchValues(prefix: [UInt8]) async throws(SoftadastraError) -> AsyncStream<ValueReport> {
    try await follow(.watchValues, ControlArguments(key: ControlCoding.base64(prefix)))
  }

  public func conflicts() async throws(SoftadastraError) -> [ConflictReport] { try await ask(.conflicts) }
  public func resolveConflict(_ path: [String], keep: String) async throws(SoftadastraError) {
    try await tell(.resolveConflict, ControlArguments(text: keep, path: path))
  }

  public func versions(_ path: [String]) async throws(SoftadastraError) -> [VersionReport] {
    try await ask(.versions, ControlArguments(path: path))
  }
  public func restore(_ path: [String], at time: String?) async throws(SoftadastraError) -> [VersionReport] {
    try await ask(.restore, ControlArguments(text: time, path: path))
  }

  public func removeFolder(_ name: String) async throws(SoftadastraError) {
    try await tell(.removeFolder, ControlArguments(text: name))
  }
  public func confirmDeletions(_ name: String) async throws(SoftadastraError) -> Int {
    try await ask(.confirmDeletions, ControlArguments(text: name))
  }
  public func revertFolder(_ name: String) async throws(SoftadastraError) -> Int {
    try await ask(.revertFolder, ControlArguments(text: name))
  }

  public func compactLog() async throws(SoftadastraError) { try await tell(.compactLog) }
  public func events() async throws(SoftadastraError) -> AsyncStream<NodeEvent> {
    try await follow(.events, ControlArguments())
  }

  public func discover(seconds: Double) async throws(SoftadastraError) -> [DiscoveredReport] {
    try await ask(.discover, ControlArguments(seconds: seconds))
  }

  // MARK: The socket

  /// The error of every call that needs a running node and finds none.
  public static func notRunning(_ home: Home) -> SoftadastraError {
    SoftadastraError(
      .closed, "cannot reach a node at", at: BytePath.escape(home.path.utf8), why: "no node is running",
      hint: "start one with: softadastra watch DIR", retryable: true)
  }

  private func connect() async throws(SoftadastraError) -> Connection {
    let socket: ControlSocket
    do throws(SoftadastraError) {
      socket = try ControlSocket(home)
    } catch {
      throw error.code == .notFound ? Self.notRunning(home) : error
    }
    defer { withExtendedLifetime(socket) {} }
    do {
      return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(unixDomainSocketPath: socket.path) { channel in
          channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
        }
    } catch let error as IOError {
      switch error.errnoCode {
      case ENOENT, ECONNREFUSED, ENOTDIR: throw Self.notRunning(home)
      default: throw .system(error.errnoCode, "cannot reach the node at", at: BytePath.escape(home.path.utf8))
      }
    } catch {
      throw SoftadastraError(
        .network, "cannot reach the node at", at: BytePath.escape(home.path.utf8), why: "\(error)")
    }
  }

  private func tell(_ call: ControlCall, _ arguments: ControlArguments? = nil) async throws(SoftadastraError) {
    let _: ControlNothing = try await ask(call, arguments)
  }

  private func ask<Value: Codable & Sendable>(_ call: ControlCall, _ arguments: ControlArguments? = nil)
    async throws(SoftadastraError) -> Value
  {
    var found: Value?
    try await exchange(call, arguments) { (answer: ControlAnswer<Value>) in
      found = answer.value
      return false
    }
    guard let found else { throw lost(call) }
    return found
  }

  /// Returns once the node has confirmed that it listens, so that nothing done afterwards is missed.
  private func follow<Item: Codable & Sendable>(_ call: ControlCall, _ arguments: ControlArguments)
    async throws(SoftadastraError) -> AsyncStream<Item>
  {
    let (items, continuation) = AsyncStream<Item>.makeStream()
    let started = AsyncStream<SoftadastraError?>.makeStream()
    let reading = Task {
      do throws(SoftadastraError) {
        try await self.exchange(call, arguments) { (answer: ControlAnswer<Item>) in
          if let item = answer.value { continuation.yield(item) } else { started.continuation.yield(nil) }
          return answer.end != true
        }
      } catch {
        started.continuation.yield(error)
      }
      started.continuation.finish()
      continuation.finish()
    }
    continuation.onTermination = { _ in reading.cancel() }
    for await error in started.stream {
      if let error { throw error }
      return items
    }
    reading.cancel()
    throw lost(call)
  }

  /// Sends one request and hands over each answer until the closure returns false or the node closes.
  private func exchange<Value: Codable & Sendable>(
    _ call: ControlCall, _ arguments: ControlArguments?, _ each: (ControlAnswer<Value>) -> Bool
  ) async throws(SoftadastraError) {
    let request = try ControlCoding.line(
      ControlRequest(v: ControlProtocol.version, id: 1, call: call.rawValue, arguments: arguments))
    guard request.readableBytes <= ControlProtocol.maxLineBytes else {
      throw SoftadastraError(
        .invalid, "cannot send '\(call.rawValue)' to the node", why: "it is larger than a request may be")
    }
    let connection = try await connect()
    do {
      try await connection.executeThenClose { inbound, outbound in
        try await outbound.write(request)
        var lines = ControlLines(limit: ControlProtocol.maxAnswerBytes)
        for try await chunk in inbound {
          lines.append(chunk)
          while let line = try lines.next() {
            let answer = try ControlCoding.decode(ControlAnswer<Value>.self, line)
            if let error = answer.error { throw error.error }
            if !each(answer) { return }
          }
        }
      }
    } catch let error as SoftadastraError {
      throw error
    } catch {
      throw lost(call)
    }
  }

  private func lost(_ call: ControlCall) -> SoftadastraError {
    SoftadastraError(
      .network, "cannot run '\(call.rawValue)' at", at: BytePath.escape(home.path.utf8),
      why: "the node ended before it answered", hint: "see whether it still runs: softadastra status")
  }
}
